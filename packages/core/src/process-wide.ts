// State that belongs to the process: shared by all copies of this package in it, such as ESM and CommonJS, or two versions.

const registryKey = Symbol.for('onceguard.process');

/**
 * The object under `name`, which the first copy to ask creates. Another version may have created it: an object is made of what the
 * language has (maps, sets, functions), never of classes of this package. The number at the end of `name` is the version of its
 * shape: a shape never changes, a new one gets a new number, and a copy that knows both uses both.
 */
export function processWide<T extends object>(name: `${string}/${number}`, create: () => T): T {
  const registry = sharedRegistry();
  const known = registry.get(name);
  if (known !== undefined) return known as T;
  const created = create();
  registry.set(name, created);
  return created;
}

function sharedRegistry(): Map<string, object> {
  const known: unknown = Reflect.get(globalThis, registryKey);
  if (known instanceof Map) return known;
  const registry = new Map<string, object>();
  Object.defineProperty(globalThis, registryKey, { value: registry });
  return registry;
}
