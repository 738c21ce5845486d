// @onceguard/core: runs work once, and gives every repeat the recorded outcome.

export { type DrainStoreOptions, drainStore } from './admin/drain-store.js';
export { type Doubt, type DoubtPage, type ListDoubtsOptions, listDoubts } from './admin/list-doubts.js';
export { lookup } from './admin/lookup.js';
export {
  type BodyJson,
  type OutcomeJson,
  type RecordJson,
  type StepJson,
  toRecordJson,
} from './admin/record-json.js';
export type { DecisionView, OutcomeView, RecordView, RecordViewState, StepView } from './admin/record-view.js';
export { type RecoverAllOptions, type RecoverAllSummary, recoverAll } from './admin/recover-all.js';
export { type RemoveRecordOptions, type RemoveRecordReply, removeRecord } from './admin/remove-record.js';
export { type ResolveDoubtOptions, type ResolveDoubtReply, resolveDoubt } from './admin/resolve-doubt.js';
export { type DoubtWatch, type WatchDoubtsOptions, watchDoubts } from './admin/watch-doubts.js';
export { deriveKeyFromRecordName } from './engine/derived-key.js';
export type { EnqueueOptions } from './engine/enqueue-options.js';
export type { Execution } from './engine/execution.js';
export type { OperationContext } from './engine/operation-context.js';
export { defaultPolicy, type PolicyOptions, paymentPolicy, type WaitOptions } from './engine/policy.js';
export { type RecordNameParts, recordName } from './engine/record-name.js';
export {
  type Recover,
  type RecoverContext,
  type Recovery,
  recovery,
  type StepInDoubt,
} from './engine/recovery.js';
export type { ResultSchema } from './engine/result-schema.js';
export type { StepBackoff, StepContext, StepOptions } from './engine/step-options.js';
export { readStoreGauges, type StoreGauges } from './engine/store-gauges.js';
export { provideTraceparent, type TraceparentSource } from './engine/work-description.js';
export * from './errors.js';
export {
  type EndedAttempt,
  type EventName,
  type EventSubject,
  type Events,
  eventChannelPrefix,
  type LateRecordingKind,
  onEvent,
  type ReleaseCause,
  type UnknownCause,
  type UnnamedSubject,
} from './events.js';
export { type ExecuteOptions, executeIdempotently } from './functions/execute-idempotently.js';
export { isFinalError } from './functions/final-error.js';
export type { ErrorClass, FinalErrors } from './functions/final-error-classes.js';
export type { WorkOptions } from './functions/function-options.js';
export { type IdempotentOptions, makeIdempotent } from './functions/make-idempotent.js';
export { type DecodedResult, decodeResult } from './functions/result-codec.js';
export type { DecodedResponse } from './http/decoded-response.js';
export { type MetricLabels, type MetricsObserver, observeMetrics } from './metrics.js';
export type { IdempotencyStore, RetryQueueLimits } from './store/port.js';
export type { TransactionPort } from './store/transaction-port.js';
export { localCache } from './stores/local-cache/local-cache.js';
export type { LocalCacheOptions } from './stores/local-cache/local-cache-options.js';
export { MemoryStore } from './stores/memory/memory-store.js';
export type { MemoryStoreOptions } from './stores/memory/memory-store-options.js';
export {
  type ExecutionOutcome,
  type ExecutionTrace,
  onExecution,
  onStoreCall,
  type StoreTrace,
  type TracedCall,
  type TraceListeners,
} from './tracing-channels.js';
