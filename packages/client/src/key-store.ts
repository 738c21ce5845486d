// Where the key of an intent outlives the page or the process: what idempotentFetch needs of it.
import type { CallResult } from './call-result.js';

/** The key of one call under an intent. */
export interface ClaimedKey {
  readonly key: string;
  /** Says what became of the call, so that the store knows whether the key is still needed. Never rejects. */
  settle(result: CallResult): Promise<void>;
}

/** Made by `indexedDbKeys`, `localStorageKeys`, `fileKeys` and `keyStore`. */
export interface KeyStore {
  /** The key of the intent: the stored one, or `newKey`, which is stored before this resolves. `request` is read. */
  claim(intent: string, request: Request, newKey: string): Promise<ClaimedKey>;
  forget(intent: string): Promise<void>;
}
