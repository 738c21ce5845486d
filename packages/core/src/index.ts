// @onceguard/core: the work runs once, and every repeat gets the recorded answer.
export type { OperationContext } from './engine/context.js';
export { drain } from './engine/drain.js';
export { type ExecuteOptions, execute, type WorkOptions } from './engine/execute.js';
export { type IdempotentOptions, makeIdempotent } from './engine/make-idempotent.js';
export type { Execution } from './engine/plan.js';
export { defaultTerms, payments, type TermOptions } from './engine/terms.js';
export * from './errors.js';
export { type EventName, type EventSubject, type Events, eventChannelPrefix, onEvent } from './events.js';
export { MemoryStore } from './memory/memory-store.js';
export type { MemoryStoreOptions } from './memory/options.js';
export * from './protocol/index.js';
export * from './store.js';
