// @onceguard/core/store: the types, the protocol and a base for authors of stores, and of tools that read records.
export * as idempotencyProtocol from '../protocol/index.js';
export type * from '../protocol/messages.js';
export type {
  AttemptFacts,
  RecordedDecision,
  RecordState,
  StepEntry,
  StoredRecord,
  WorkDescription,
} from '../protocol/record.js';
export type { Transition } from '../protocol/transition.js';
export type { CompareAndSwapStoreOptions } from '../stores/compare-and-swap/compare-and-swap-options.js';
export { CompareAndSwapStore } from '../stores/compare-and-swap/compare-and-swap-store.js';
export type { PurgeResult } from '../stores/compare-and-swap/purge-table.js';
export { decodeRecord, encodeRecord } from '../stores/compare-and-swap/record-codec.js';
export type * from './compare-and-swap-table.js';
export type * from './port.js';
export type * from './transaction-port.js';
