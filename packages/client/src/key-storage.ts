// Storages of strings, and how a value is changed with nothing between.

/** Makes the next value of a name from the present one; undefined is no value. Pure, because it may be called several times. */
export type ChangeValue = (value: string | undefined) => string | undefined;

/** A storage of strings, as most are. Each method may be synchronous. */
export interface StringStorage {
  get(name: string): Promise<string | null | undefined> | string | null | undefined;
  set(name: string, value: string): Promise<unknown> | unknown;
  delete(name: string): Promise<unknown> | unknown;
}

/** A storage that can change a value with no other change between, over all tabs or processes that share it. */
export interface AtomicStorage {
  update(name: string, change: ChangeValue): Promise<void>;
}

/** The last change under each name, over all storages: two objects may stand for the same one. */
const lastChanges = new Map<string, Promise<void>>();

/** A `StringStorage` is read and written under a Web Lock; where there are none, one call after the other within this program. */
export async function updateValue(
  storage: StringStorage | AtomicStorage,
  name: string,
  change: ChangeValue,
): Promise<void> {
  if ('update' in storage) return await storage.update(name, change);
  const work = () => getAndSet(storage, name, change);
  const locks = globalThis.navigator?.locks;
  if (locks !== undefined) return await locks.request(name, work);
  const last = (lastChanges.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
  lastChanges.set(name, last);
  await last.finally(() => lastChanges.get(name) === last && lastChanges.delete(name));
}

async function getAndSet(storage: StringStorage, name: string, change: ChangeValue): Promise<void> {
  const value = (await storage.get(name)) ?? undefined;
  const next = change(value);
  if (next === value) return;
  if (next === undefined) await storage.delete(name);
  else await storage.set(name, next);
}
