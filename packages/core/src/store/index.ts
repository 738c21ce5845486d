// @onceguard/core/store: for those who write a store, or a tool that looks into one.
export * as idempotencyProtocol from '../protocol/index.js';
export type * from '../protocol/messages.js';
export type { RecordedDecision, RecordState, StepEntry, StoredRecord } from '../protocol/record.js';
export type { Transition } from '../protocol/transition.js';
export type * from './port.js';
