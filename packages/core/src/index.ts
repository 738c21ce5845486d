// @onceguard/core: the work runs once, and every repeat gets the recorded answer.
export { deriveKey, type OperationContext } from './engine/context.js';
export { type Doubt, type DoubtPage, listDoubts, type ResolveOptions, resolve } from './engine/doubts.js';
export { drain } from './engine/drain.js';
export { type ExecuteOptions, execute, type WorkOptions } from './engine/execute.js';
export { isFinalError } from './engine/final-error.js';
export type { ErrorClass, FinalErrors } from './engine/final-error-classes.js';
export type { ResultSchema } from './engine/kept.js';
export { type IdempotentOptions, makeIdempotent } from './engine/make-idempotent.js';
export type { Execution } from './engine/plan.js';
export { type RecoverAllOptions, type Recovered, recoverAll } from './engine/recover-all.js';
export {
  done,
  notDone,
  type Recover,
  type RecoverContext,
  type Recovery,
  type StepInDoubt,
  stillUnknown,
} from './engine/recovery.js';
export type { StepContext, StepOptions } from './engine/steps.js';
export { defaultTerms, payments, type TermOptions, type WaitOptions } from './engine/terms.js';
export * from './errors.js';
export { type EventName, type EventSubject, type Events, eventChannelPrefix, onEvent } from './events.js';
export { localCache } from './local-cache/local-cache.js';
export type { LocalCacheOptions } from './local-cache/options.js';
export { MemoryStore } from './memory/memory-store.js';
export type { MemoryStoreOptions } from './memory/options.js';
export type { IdempotencyStore } from './store/port.js';
