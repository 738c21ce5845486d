// Checks the arguments of every store operation before anything is sent or written, because a Redis script cannot roll back.
import { StoreError } from '../errors.js';
import type {
  AcquireRequest,
  Checkpoint,
  Completion,
  Lease,
  LeaseIdentity,
  RecordRetention,
  ReleaseRequest,
  ResolveRequest,
} from './messages.js';
import type { WorkDescription } from './record.js';

const keyPattern = /^[A-Za-z0-9_-]{1,128}$/;
const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;
const fingerprintPattern = /^[a-z0-9]{1,16}:[\x21-\x7e]{1,128}$/;
const stepPattern = /^[\x21-\x7e]{1,128}$/;
/**
 * Every number of a record is below this limit. As a time in milliseconds it is about 30,000 years. Above it, doubles and Lua could not
 * represent every single millisecond.
 */
export const recordNumberLimit = 1e15;
/** About 3,000 years, so that the sum of a time and several durations stays below the limit. */
const maxDurationMs = 1e14;
/** The record gets the next higher token, which must stay below the limit too. */
export const maxFencingToken = recordNumberLimit - 2;
/** The longest `operation` and `label`, in UTF-16 code units. */
export const maxOperationLength = 128;
export const maxLabelLength = 100;
// Without control characters: a line of a log or of a table holds it.
const linePattern = /^[^\p{Cc}]+$/u;
/** W3C Trace Context, version 00. A trace or a span of zeros is none. */
const traceparentPattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** The maximum length of `note`, `by` and `reason`, in UTF-16 code units. */
export const maxTextLength = 1024;

const onAbandonedValues = ['rerun', 'block', 'recover'];
const releaseValues = ['retryable', 'unknown', 'not_started'];
const resolveValues = ['done', 'not_done'];

/** Whether this can be the key of a record. */
export function isKey(key: string): boolean {
  return matches(keyPattern, key);
}

export function checkKey(key: string): void {
  if (!isKey(key)) throw invalidArgument('key', key, '1 to 128 of A-Z a-z 0-9 _ -');
}

export function checkAcquire(key: string, request: AcquireRequest): void {
  checkKey(key);
  checkToken(request.ownerToken);
  checkFingerprint(request.fingerprint);
  checkWholeNumber('leaseMs', request.leaseMs, 1);
  checkRetention(request);
  checkDescription(request);
  checkTimestamp('notAfter', request.notAfter);
  checkFencingToken('lastSeenFencingToken', request.lastSeenFencingToken);
  if (request.lastSeenFencingToken > maxFencingToken)
    throw invalidArgument('lastSeenFencingToken', request.lastSeenFencingToken, `at most ${maxFencingToken}`);
  checkOneOf('onAbandoned', request.onAbandoned, onAbandonedValues);
  if (request.notifyOnEnd !== undefined) checkBoolean('notifyOnEnd', request.notifyOnEnd);
  if (request.scope !== undefined && request.scope !== null) checkScope(request.scope);
}

function checkLease(lease: Lease): void {
  checkLeaseIdentity(lease);
  checkFingerprint(lease.fingerprint);
  checkFencingToken('fencingToken', lease.fencingToken);
  checkWholeNumber('attempt', lease.attempt, 1);
  checkTimestamp('leaseEndAt', lease.leaseEndAt);
  checkBoolean('takeover', lease.takeover);
  checkBoolean('recovering', lease.recovering);
  checkBoolean('guarded', lease.guarded);
  checkBoolean('fingerprintBound', lease.fingerprintBound);
  checkDescription(lease);
  checkTimestamp('firstAcquiredAt', lease.firstAcquiredAt);
  checkTimestamp('acquiredAt', lease.acquiredAt);
}

/** Whether this is what a record can keep as an `operation`. */
export function isOperation(value: unknown): value is string {
  return isLine(value, maxOperationLength);
}

/** Whether this is what a record can keep as a `label`. */
export function isLabel(value: unknown): value is string {
  return isLine(value, maxLabelLength);
}

/** Whether this is what a record can keep as a `traceparent`. */
export function isTraceparent(value: string): boolean {
  return matches(traceparentPattern, value);
}

function isLine(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && linePattern.test(value) && value.isWellFormed();
}

function checkDescription({ operation, label, traceparent }: WorkDescription): void {
  const lineOf = (maxLength: number) => `1 to ${maxLength} characters of Unicode without control characters`;
  if (!isOperation(operation)) throw invalidArgument('operation', operation, lineOf(maxOperationLength));
  if (label !== null && !isLabel(label)) throw invalidArgument('label', label, `${lineOf(maxLabelLength)}, or null`);
  if (traceparent !== null && !isTraceparent(traceparent))
    throw invalidArgument('traceparent', traceparent, 'a traceparent of W3C Trace Context, or null');
}

export function checkRenew(lease: Lease, leaseMs: number): void {
  checkLease(lease);
  checkWholeNumber('leaseMs', leaseMs, 1);
}

export function checkCheckpoint(lease: Lease, checkpoint: Checkpoint): void {
  checkLease(lease);
  if (!matches(stepPattern, checkpoint.step)) {
    throw invalidArgument('step', checkpoint.step, '1 to 128 printable ASCII characters without spaces');
  }
  checkWholeNumber('seq', checkpoint.seq, 0);
  checkBytes('bytes', checkpoint.bytes);
}

export function checkComplete(lease: Lease, completion: Completion): void {
  checkLease(lease);
  if (completion.outcome !== null) checkBytes('outcome', completion.outcome);
  checkTtls(completion.outcomeTtlMs, lease.recordTtlMs);
  checkText('note', completion.note);
  checkTimestamp('notAfter', completion.notAfter);
}

export function checkRelease(holder: LeaseIdentity, request: ReleaseRequest): void {
  checkLeaseIdentity(holder);
  checkOneOf('as', request.as, releaseValues);
  if (holder.fencingToken !== null || request.as !== 'not_started')
    checkFencingToken('fencingToken', holder.fencingToken);
  if (request.as === 'retryable' && request.unbindFingerprint !== undefined)
    checkBoolean('unbindFingerprint', request.unbindFingerprint);
  if (request.as !== 'unknown') return;
  if (request.retryAfterMs !== null) checkWholeNumber('retryAfterMs', request.retryAfterMs, 0);
  checkText('note', request.note);
}

export function checkScan(request: {
  readonly cursor: string | null;
  readonly limit: number;
  readonly inDoubt?: boolean | undefined;
}): void {
  const { cursor, limit, inDoubt } = request;
  checkWholeNumber('limit', limit, 1);
  if (inDoubt !== undefined) checkBoolean('inDoubt', inDoubt);
  if (cursor !== null && typeof cursor !== 'string')
    throw invalidArgument('cursor', cursor, 'the cursor of a page, or null');
}

export function checkResolve(key: string, request: ResolveRequest): void {
  checkKey(key);
  checkFencingToken('expectedFencingToken', request.expectedFencingToken);
  checkOneOf('as', request.as, resolveValues);
  if (request.outcome !== null) checkBytes('outcome', request.outcome);
  const { outcomeTtlMs, recordTtlMs } = request;
  if (recordTtlMs !== null) checkWholeNumber('recordTtlMs', recordTtlMs, 1);
  if (outcomeTtlMs !== null) checkTtls(outcomeTtlMs, recordTtlMs ?? maxDurationMs);
  checkText('note', request.note);
  checkText('by', request.by);
  checkText('reason', request.reason);
}

function checkLeaseIdentity(holder: LeaseIdentity): void {
  checkKey(holder.key);
  checkToken(holder.ownerToken);
  checkRetention(holder);
}

function checkScope(scope: string): void {
  if (!matches(keyPattern, scope)) throw invalidArgument('scope', scope, '1 to 128 of A-Z a-z 0-9 _ -');
}

function checkToken(token: string): void {
  if (!matches(tokenPattern, token)) throw invalidArgument('ownerToken', token, '1 to 64 of A-Z a-z 0-9 _ -');
}

function checkFingerprint(fingerprint: string | null): void {
  if (fingerprint === null || matches(fingerprintPattern, fingerprint)) return;
  throw invalidArgument('fingerprint', fingerprint, 'version:digest in printable ASCII');
}

function checkRetention(retention: RecordRetention): void {
  checkWholeNumber('recordTtlMs', retention.recordTtlMs, 1);
  checkWholeNumber('unknownTtlMs', retention.unknownTtlMs, 1);
  checkTtls(retention.outcomeTtlMs, retention.recordTtlMs);
}

function checkTtls(outcomeTtlMs: number, recordTtlMs: number): void {
  checkWholeNumber('outcomeTtlMs', outcomeTtlMs, 1);
  if (outcomeTtlMs > recordTtlMs)
    throw invalidArgument('outcomeTtlMs', outcomeTtlMs, `at most recordTtlMs (${recordTtlMs})`);
}

function checkBytes(name: string, value: Uint8Array): void {
  if (!isUint8Array(value)) throw invalidArgument(name, typeof value, 'a Uint8Array');
}

/** An empty text would be read back as none. A lone surrogate would be read back as another character. */
function checkText(name: string, value: string | null): void {
  if (value === null) return;
  const hasValidLength = typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
  if (hasValidLength && value.isWellFormed()) return;
  throw invalidArgument(name, value, `1 to ${maxTextLength} characters of Unicode, or null`);
}

function checkWholeNumber(name: string, value: number | null, min: number, max = maxDurationMs): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return;
  throw invalidArgument(name, value, `a whole number from ${min} to ${max}`);
}

function checkTimestamp(name: string, value: number | null): void {
  checkWholeNumber(name, value, 0, recordNumberLimit - 1);
}

/** A fencing token is at least the store's time of its acquisition, so it has the range of a time. */
function checkFencingToken(name: string, value: number | null): void {
  checkTimestamp(name, value);
}

function checkBoolean(name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw invalidArgument(name, value, 'true or false');
}

function checkOneOf(name: string, value: string, values: readonly string[]): void {
  if (!values.includes(value)) throw invalidArgument(name, value, values.join(' or '));
}

/** The type is checked too, because a pattern alone would match `undefined` as the text 'undefined'. */
function matches(pattern: RegExp, value: string): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function invalidArgument(name: string, value: unknown, remedy: string): StoreError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : String(value);
  return new StoreError('bug', `${name} is ${shown}; it must be ${remedy}.`);
}

/** Also true for an array of another realm. Jest in jsdom runs tests in a realm whose `Uint8Array` is not the one of Buffer. */
export function isUint8Array(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}
