// The protocol: pure functions of (record, request, now). They are the specification, and every store implements them.
export { acquire } from './acquire.js';
export { isInDoubt, mayComeIntoDoubt } from './doubt.js';
export * from './messages.js';
export { checkpoint, complete, release, renew } from './owner-operations.js';
export {
  type AttemptFacts,
  attemptFacts,
  blankRecord,
  isIntent,
  isLive,
  type RecordedDecision,
  type RecordState,
  recordLayout,
  restoreWindowMs,
  type StepEntry,
  type StoredRecord,
  type WorkDescription,
} from './record.js';
export { remove, resolve } from './resolve.js';
export type { Transition } from './transition.js';
