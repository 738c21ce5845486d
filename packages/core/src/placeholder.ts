// Recognises what JavaScript makes of a value that was missing when a name was put together from parts.

const partPattern = /(?:^|[:/|,#])(undefined|null|NaN|Invalid Date)(?=$|[:/|,#])/;
const objectPattern = /\[object \w+\]/;
/** JSON writes null for what may rightly be absent. */
const jsonPattern = /^(?:\[.*\]|\{.*\})$/s;

/**
 * Which text in `name` stands for a missing value: `undefined`, `null`, `NaN` or `Invalid Date`, alone or as a part between
 * `:` `/` `|` `,` `#`, or `[object …]` anywhere. Null: none. All callers whose value was missing would share one record.
 */
export function findPlaceholder(name: string): string | null {
  if (objectPattern.test(name)) return '[object …]';
  return jsonPattern.test(name) ? null : (partPattern.exec(name)?.[1] ?? null);
}

/** Completes a message about such a name: the likely cause. */
export function describePlaceholder(placeholder: string): string {
  const cause = placeholder.startsWith('[') ? 'an object or a promise was put into a string' : 'a field was missing';
  return `it has the text "${placeholder}": probably ${cause}, or an await is missing`;
}
