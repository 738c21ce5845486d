// The protocol: pure functions of (record, request, now). They are the specification; every store is a translation.
export { acquire } from './acquire.js';
export * from './messages.js';
export { checkpoint, complete, release, renew } from './owner-operations.js';
export {
  isIntent,
  isLive,
  type RecordedDecision,
  type RecordState,
  recordLayout,
  restoreWindowMs,
  type StepEntry,
  type StoredRecord,
} from './record.js';
export { remove, resolve } from './resolve.js';
export type { Transition } from './transition.js';
