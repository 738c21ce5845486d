// State of the process, shared by all copies of this package in it: ESM and CommonJS, or two versions.

const registryKey = Symbol.for('onceguard.process');

/**
 * The object under `name`. The first copy that calls this creates it. Another version of this package may have created it, so it consists
 * of what the language has (maps, sets, functions) and never of classes of this package. The number at the end of `name` is the version
 * of its shape: a shape never changes, a new shape gets a new number, and a copy that knows both uses both.
 */
export function processWide<T extends object>(name: `${string}/${number}`, create: () => T): T {
  const shared = sharedRegistry();
  const known = shared.get(name);
  if (known !== undefined) return known as T;
  const created = create();
  shared.set(name, created);
  return created;
}

/** Kept, because requests ask for it. The property of `globalThis` cannot change. */
let registry: Map<string, object> | undefined;

function sharedRegistry(): Map<string, object> {
  registry ??= findOrCreateRegistry();
  return registry;
}

function findOrCreateRegistry(): Map<string, object> {
  const known: unknown = Reflect.get(globalThis, registryKey);
  if (known instanceof Map) return known;
  const created = new Map<string, object>();
  Object.defineProperty(globalThis, registryKey, { value: created });
  return created;
}
