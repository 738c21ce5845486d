// A storage of the browser that may be full or forbidden, with the memory of the page behind it.
import { type AtomicStorage, type ChangeValue, type StringStorage, updateValue } from './key-storage.js';

/**
 * Uses `storage`. Where that fails, says so, once, and keeps that name in memory from then on, with the value that could be read. Other names
 * are still looked up in the storage: one that is full can be read.
 */
export function withMemoryFallback(
  storage: StringStorage | AtomicStorage,
  onUnavailable: (error: unknown) => void = warn,
): AtomicStorage {
  const memory = new Map<string, string | undefined>();
  let hasReported = false;

  return {
    async update(name, change) {
      let present: string | undefined;
      let refusal: { readonly error: unknown } | undefined;
      try {
        if (!memory.has(name)) {
          return await updateValue(storage, name, (value) => {
            present = value;
            return refusable(change, value, (error) => {
              refusal = { error };
            });
          });
        }
      } catch (error) {
        // A value that is not one of ours is no fault of the storage.
        if (refusal !== undefined) throw refusal.error;
        if (!hasReported) onUnavailable(error);
        hasReported = true;
      }
      memory.set(name, change(memory.has(name) ? memory.get(name) : present));
    },
  };
}

function refusable(change: ChangeValue, value: string | undefined, onRefused: (error: unknown) => void) {
  try {
    return change(value);
  } catch (error) {
    onRefused(error);
    throw error;
  }
}

function warn(error: unknown): void {
  console.warn('onceguard: keys will not outlive this page, because its storage is full or forbidden.', error);
}
