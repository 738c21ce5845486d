// @onceguard/client: one key for one intention, over retries, reloads and crashes. For everything that has fetch.

export type { CallResult } from './call-result.js';
export {
  type ClientErrorCode,
  type ClientErrorFacts,
  IdempotentFetchError,
  IntentChangedError,
  KeyReusedError,
  KeyStoreError,
  OutcomeUnknownError,
  RequestInvalidError,
  RetriesExhaustedError,
} from './errors.js';
export { type IdempotentFetch, type IdempotentRequestInit, idempotentFetch } from './idempotent-fetch.js';
export { type IndexedDbKeysOptions, indexedDbKeys } from './indexed-db-keys.js';
export type { AtomicStorage, ChangeValue, StringStorage } from './key-storage.js';
export type { ClaimedKey, KeyStore } from './key-store.js';
export { type LocalStorageKeysOptions, localStorageKeys } from './local-storage-keys.js';
export type { FinalEvent, IdempotentFetchOptions, RetryEvent, UnauthorizedReply } from './options.js';
export type { RepeatableBody } from './repeatable-request.js';
export { attemptsOf, isReplayed } from './response-facts.js';
export { readRetryAfter } from './retry-after.js';
export { type KeyStoreOptions, keyStore } from './stored-keys.js';
export { judgeResponse, type ProblemMembers, type Verdict } from './verdict.js';
