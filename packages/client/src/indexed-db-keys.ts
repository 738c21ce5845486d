// Keys in IndexedDB, whose transactions make a change atomic over all tabs and workers of an origin.
import type { ChangeValue } from './key-storage.js';
import type { KeyStore } from './key-store.js';
import { withMemoryFallback } from './memory-fallback.js';
import { type KeyStoreOptions, keyStore } from './stored-keys.js';

export interface IndexedDbKeysOptions extends KeyStoreOptions {
  /** The name of the database. Default: `onceguard`. */
  readonly databaseName?: string;
  /** The database is full or forbidden, as in some private modes. Default: a warning on the console. */
  readonly onUnavailable?: (error: unknown) => void;
}

const table = 'keys';

/**
 * A key store in IndexedDB: all tabs that begin the same intent get the same key, also at the same time. Works in workers too. Where
 * IndexedDB is full or forbidden, it says so once and keeps keys in memory: repeats are safe until the page is reloaded.
 *
 * @example
 * const pay = idempotentFetch({ keyStore: indexedDbKeys() });
 * await pay('/payments', { method: 'POST', body, intent: `order-${order.id}` });
 */
export function indexedDbKeys(options: IndexedDbKeysOptions = {}): KeyStore {
  const { databaseName = 'onceguard', onUnavailable, ...others } = options;
  let opened: Promise<IDBDatabase> | undefined;
  const update = async (name: string, change: ChangeValue): Promise<void> => {
    opened ??= openDatabase(databaseName);
    const database = await opened.catch((error) => {
      opened = undefined;
      throw error;
    });
    // The browser closes a database whose site data somebody removes.
    database.onclose = () => {
      opened = undefined;
    };
    await changeWithin(database.transaction(table, 'readwrite', { durability: 'strict' }), name, change);
  };
  return keyStore(withMemoryFallback({ update }, onUnavailable), others);
}

function openDatabase(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(table);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function changeWithin(transaction: IDBTransaction, name: string, change: ChangeValue): Promise<void> {
  return new Promise((resolve, reject) => {
    const keys = transaction.objectStore(table);
    const read = keys.get(name);
    read.onsuccess = () => {
      try {
        const next = change(read.result);
        if (next === undefined) keys.delete(name);
        else keys.put(next, name);
      } catch (error) {
        reject(error);
        transaction.abort();
      }
    };
    // The answer to a write comes before it is on disk; the end of its transaction does not.
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
