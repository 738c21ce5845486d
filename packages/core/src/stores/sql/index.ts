// @onceguard/core/sql: what a store on an SQL database builds on.
export { milliseconds, parseOptions, wholeNumber } from '../../parse-options.js';
export * as argumentChecks from '../../protocol/argument-checks.js';
export { startDeadline, unref } from '../../timers.js';
export { withDeadline } from '../deadline.js';
export { publishFindings, type StoreFinding } from '../publish-findings.js';
export { type KeyedRecord, toReadReply, toScanPage, unreadableRecord } from '../record-replies.js';
export { retryQueueLimitsField, storeNameField } from '../store-options.js';
export {
  decodeRecordRow,
  encodeRecordRow,
  type RecordRow,
  recordColumns,
  type SqlRow,
  type SqlValue,
  toBytes,
} from './record-row.js';
export { TransactionContexts } from './transaction-contexts.js';
