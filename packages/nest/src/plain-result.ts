// Makes plain data of the result of a mutation or a message handler, because a record keeps no classes.

/**
 * Instances of classes become plain objects, by their `toJSON()` if they have one. What a record keeps as it is (dates, bytes, bigints)
 * stays. What cannot be kept (functions, maps, cycles) stays too: the record then says only that the work is done.
 */
export function toPlainResult(value: unknown, ancestors: readonly unknown[] = []): unknown {
  if (typeof value !== 'object' || value === null || isKept(value) || ancestors.includes(value)) return value;
  const within = [...ancestors, value];
  if (Array.isArray(value)) return value.map((item) => toPlainResult(item, within));
  const toJson: unknown = Reflect.get(value, 'toJSON');
  if (typeof toJson === 'function') return toPlainResult(Reflect.apply(toJson, value, []), within);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toPlainResult(member, within)]));
}

function isKept(value: object): boolean {
  return value instanceof Date || value instanceof Uint8Array || value instanceof Map || value instanceof Set;
}
