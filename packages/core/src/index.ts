// @onceguard/core: runs work once, and gives every repeat the recorded outcome.

export { type DrainStoreOptions, drainStore } from './admin/drain-store.js';
export { type Doubt, type DoubtPage, type ListDoubtsOptions, listDoubts } from './admin/list-doubts.js';
export { type RecoverAllOptions, type RecoverAllSummary, recoverAll } from './admin/recover-all.js';
export { type ResolveDoubtOptions, resolveDoubt } from './admin/resolve-doubt.js';
export { deriveKeyFromRecordName } from './engine/derived-key.js';
export type { Execution } from './engine/execution.js';
export type { OperationContext } from './engine/operation-context.js';
export { defaultPolicy, type PolicyOptions, paymentPolicy, type WaitOptions } from './engine/policy.js';
export {
  type Recover,
  type RecoverContext,
  type Recovery,
  recovery,
  type StepInDoubt,
} from './engine/recovery.js';
export type { ResultSchema } from './engine/result-schema.js';
export type { StepBackoff, StepContext, StepOptions } from './engine/step-options.js';
export * from './errors.js';
export {
  type EventName,
  type EventSubject,
  type Events,
  eventChannelPrefix,
  type LateRecordingKind,
  onEvent,
} from './events.js';
export { type ExecuteOptions, executeIdempotently } from './functions/execute-idempotently.js';
export { isFinalError } from './functions/final-error.js';
export type { ErrorClass, FinalErrors } from './functions/final-error-classes.js';
export type { WorkOptions } from './functions/function-options.js';
export { type IdempotentOptions, makeIdempotent } from './functions/make-idempotent.js';
export type { IdempotencyStore, RetryQueueLimits } from './store/port.js';
export { localCache } from './stores/local-cache/local-cache.js';
export type { LocalCacheOptions } from './stores/local-cache/local-cache-options.js';
export { MemoryStore } from './stores/memory/memory-store.js';
export type { MemoryStoreOptions } from './stores/memory/memory-store-options.js';
