// The key of an intent: stored before the first send, kept until nothing can happen twice.
import type { CallResult } from './call-result.js';
import { IntentChangedError, KeyStoreError, OutcomeUnknownError } from './errors.js';
import { type AtomicStorage, type ChangeValue, type StringStorage, updateValue } from './key-storage.js';
import type { KeyStore } from './key-store.js';
import { digestOf } from './request-digest.js';
import { isReplayed } from './response-facts.js';

export interface KeyStoreOptions {
  /**
   * How long the server remembers a key, in milliseconds. The same request under the same intent gets the same answer for this time. A key
   * whose outcome is still open after it is not sent any more. Default: 86 400 000, a day.
   */
  readonly keyLifetimeMs?: number;
  /** The store failed after an answer, which is returned all the same. Default: a warning on the console. */
  readonly onError?: (error: unknown) => void;
}

/** What is stored of an intent. */
interface StoredKey {
  readonly key: string;
  readonly digest: string;
  /** When the key was made: milliseconds since 1970, on the clock of this device. The server cannot have known it before. */
  readonly at: number;
  /** The last answer was final, and the work took effect. */
  readonly isDone?: true;
  /** Another call has used the key, perhaps in another tab or before a reload. */
  readonly isShared?: true;
}

/**
 * A key store in a storage of your own. Without an atomic `update`, another tab or process may come between a read and a write: two that
 * begin the same intent at the same moment may then have a key each. A storage that throws before the first send fails the call.
 *
 * @example
 * import AsyncStorage from '@react-native-async-storage/async-storage';
 *
 * const keys = keyStore({
 *   get: (name) => AsyncStorage.getItem(name),
 *   set: (name, value) => AsyncStorage.setItem(name, value),
 *   delete: (name) => AsyncStorage.removeItem(name),
 * });
 */
export function keyStore(
  storage: StringStorage | AtomicStorage,
  { keyLifetimeMs = 86_400_000, onError = warn }: KeyStoreOptions = {},
): KeyStore {
  const update = (intent: string, change: ChangeValue) => updateValue(storage, `onceguard:${intent}`, change);

  const settle = async (intent: string, own: StoredKey, isNew: boolean, result: CallResult): Promise<void> => {
    const settlement = settlementOf(result, isNew && !result.mayHaveRun);
    if (settlement === 'open') return;
    await update(intent, (value) => {
      const found = parse(value);
      if (found !== undefined && found.key !== own.key) return value;
      if (settlement === 'done') return JSON.stringify({ ...own, isDone: true });
      return settlement === 'refused' && found?.isShared ? value : undefined;
    });
  };

  const claimed = (intent: string, own: StoredKey, isNew: boolean) => ({
    key: own.key,
    settle: async (result: CallResult): Promise<void> => await settle(intent, own, isNew, result).catch(onError),
  });

  return {
    async claim(intent, request, newKey) {
      let found: StoredKey | undefined;
      const own = { key: newKey, digest: await digestOf(request), at: Date.now() };
      const claim = (value: string | undefined) => {
        found = parse(value);
        if (found !== undefined && mayReplace(found, own, keyLifetimeMs)) found = undefined;
        if (found === undefined) return JSON.stringify(own);
        return found.digest === own.digest ? JSON.stringify({ ...found, isShared: true }) : value;
      };
      try {
        await update(intent, claim);
      } catch (cause) {
        throw new KeyStoreError(intent, { cause });
      }
      if (found === undefined) return claimed(intent, own, true);
      const { key, digest, at } = found;
      if (digest !== own.digest) throw new IntentChangedError(intent, { key });
      if (own.at - at > keyLifetimeMs) {
        throw new OutcomeUnknownError(`the key of the intent ${intent} is older than keyLifetimeMs`, { key });
      }
      return claimed(intent, found, false);
    },
    forget: (intent) => update(intent, () => undefined),
  };
}

/** The work of the found key is done, and the request is another one, or the server has forgotten the key: a new key may take its place. */
function mayReplace({ isDone, digest, at }: StoredKey, own: StoredKey, lifetimeMs: number): boolean {
  return isDone === true && (digest !== own.digest || own.at - at > lifetimeMs);
}

/**
 * - `done`: the work took effect. The same request gets the same answer again, in this tab or another.
 * - `no_effect`: the answer is about this work and says that nothing took effect, as a declined card.
 * - `refused`: something refused the only send. Nothing took effect, unless another call used the key.
 * - `open`: nothing is certain. The key stays.
 */
type Settlement = 'done' | 'no_effect' | 'refused' | 'open';

/** Statuses of the operation itself. Those of the layers around it (401, 403, 404, 413, …) say nothing about an earlier send. */
const operationStatuses = [402, 422];

function settlementOf({ response, error }: CallResult, isOnlySend: boolean): Settlement {
  if (response === undefined || error !== undefined) return 'open';
  const { status } = response;
  if (status < 400 || status === 410) return 'done';
  if (status >= 500 || status === 409) return 'open';
  if (isReplayed(response) || operationStatuses.includes(status)) return 'no_effect';
  return isOnlySend ? 'refused' : 'open';
}

function parse(value: string | undefined): StoredKey | undefined {
  if (value === undefined) return undefined;
  const stored = JSON.parse(value);
  if (typeof stored?.key !== 'string') throw new TypeError('the stored value is not one of onceguard');
  return stored;
}

function warn(error: unknown): void {
  console.warn('onceguard: the key store failed.', error);
}
