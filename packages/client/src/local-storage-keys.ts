// Keys in localStorage, or in the memory of the page where there is none.
import type { KeyStore } from './key-store.js';
import { withMemoryFallback } from './memory-fallback.js';
import { type KeyStoreOptions, keyStore } from './stored-keys.js';

export interface LocalStorageKeysOptions extends KeyStoreOptions {
  /** Default: `localStorage`. `sessionStorage` keeps keys over a reload, for one tab. */
  readonly storage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** The storage is full or forbidden, as in some private modes. Default: a warning on the console. */
  readonly onUnavailable?: (error: unknown) => void;
}

/**
 * A key store in `localStorage`. Where that is full or forbidden, it says so once and keeps keys in memory: repeats are safe until the page
 * is reloaded. Browsers do not promise that a tab sees at once what another has stored, so two tabs that begin an intent within the same
 * few milliseconds may have a key each. Take `indexedDbKeys` where that can happen.
 *
 * @example
 * const pay = idempotentFetch({ keyStore: localStorageKeys() });
 * await pay('/payments', { method: 'POST', body, intent: `order-${order.id}` });
 */
export function localStorageKeys({ storage, onUnavailable, ...options }: LocalStorageKeysOptions = {}): KeyStore {
  const opened = () => storage ?? localStorage;
  const keys = {
    get: (name: string) => opened().getItem(name),
    set: (name: string, value: string) => opened().setItem(name, value),
    delete: (name: string) => opened().removeItem(name),
  };
  return keyStore(withMemoryFallback(keys, onUnavailable), options);
}
