// @onceguard/core/store: the types and the protocol for authors of stores, and of tools that read records.
export * as idempotencyProtocol from '../protocol/index.js';
export type * from '../protocol/messages.js';
export type { AttemptFacts, RecordedDecision, RecordState, StepEntry, StoredRecord } from '../protocol/record.js';
export type { Transition } from '../protocol/transition.js';
export type * from './port.js';
