// What a verb's arguments must look like, checked before anything is sent or written: a script has no rollback.
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

const keyPattern = /^[A-Za-z0-9_-]{1,128}$/;
const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;
const fingerprintPattern = /^[a-z0-9]{1,16}:[\x21-\x7e]{1,128}$/;
const stepPattern = /^[\x21-\x7e]{1,128}$/;
/** Every number of a record is below this, about 30,000 years: beyond it doubles and Lua would no longer count single milliseconds. */
export const recordNumberLimit = 1e15;
/** About 3,000 years, so that a time and some durations together stay below the limit. */
const maxDurationMs = 1e14;
/** The next one, which the record gets, stays below the limit. */
export const maxFencingToken = recordNumberLimit - 2;
/** The longest text of a note, and of who decided and why, in UTF-16 code units. */
export const maxTextLength = 1024;

const onAbandonedValues = ['rerun', 'block', 'recover'];
const releaseValues = ['retryable', 'unknown', 'not_started'];
const resolveValues = ['done', 'not_done'];

export function checkKey(key: string): void {
  if (!matches(keyPattern, key)) throw invalidArgument('key', key, '1 to 128 of A-Z a-z 0-9 _ -');
}

export function checkAcquire(key: string, request: AcquireRequest): void {
  checkKey(key);
  checkToken(request.ownerToken);
  checkFingerprint(request.fingerprint);
  checkWholeNumber('leaseMs', request.leaseMs, 1);
  checkRetention(request);
  checkTimestamp('notAfter', request.notAfter);
  checkTimestamp('fenceSeen', request.lastSeenFencingToken);
  if (request.lastSeenFencingToken > maxFencingToken)
    throw invalidArgument('fenceSeen', request.lastSeenFencingToken, `at most ${maxFencingToken}`);
  checkOneOf('onAbandoned', request.onAbandoned, onAbandonedValues);
  if (request.notifyOnEnd !== undefined) checkBoolean('notifyOnEnd', request.notifyOnEnd);
  if (request.scope !== undefined && request.scope !== null) checkScope(request.scope);
}

function checkLease(lease: Lease): void {
  checkLeaseIdentity(lease);
  checkFingerprint(lease.fingerprint);
  checkTimestamp('fence', lease.fencingToken);
  checkWholeNumber('attempt', lease.attempt, 1);
  checkTimestamp('leaseEndAt', lease.leaseEndAt);
  checkBoolean('takeover', lease.takeover);
  checkBoolean('recovering', lease.recovering);
  checkBoolean('guarded', lease.guarded);
  checkBoolean('bound', lease.fingerprintBound);
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

export function checkRelease(holder: LeaseIdentity, how: ReleaseRequest): void {
  checkLeaseIdentity(holder);
  checkOneOf('as', how.as, releaseValues);
  if (holder.fencingToken !== null || how.as !== 'not_started') checkTimestamp('fence', holder.fencingToken);
  if (how.as === 'retryable' && how.unbindFingerprint !== undefined)
    checkBoolean('unbindFingerprint', how.unbindFingerprint);
  if (how.as !== 'unknown') return;
  if (how.retryAfterMs !== null) checkWholeNumber('retryAfterMs', how.retryAfterMs, 0);
  checkText('note', how.note);
}

export function checkScan(request: { readonly cursor: string | null; readonly limit: number }): void {
  checkWholeNumber('limit', request.limit, 1);
  const { cursor } = request;
  if (cursor !== null && typeof cursor !== 'string') throw invalidArgument('cursor', cursor, 'of a page, or null');
}

export function checkResolve(key: string, request: ResolveRequest): void {
  checkKey(key);
  checkTimestamp('expectedFencingToken', request.expectedFencingToken);
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
  if (!matches(tokenPattern, token)) throw invalidArgument('token', token, '1 to 64 of A-Z a-z 0-9 _ -');
}

function checkFingerprint(fingerprint: string | null): void {
  if (fingerprint === null || matches(fingerprintPattern, fingerprint)) return;
  throw invalidArgument('fingerprint', fingerprint, 'version:digest in printable ASCII');
}

function checkRetention(terms: RecordRetention): void {
  checkWholeNumber('recordTtlMs', terms.recordTtlMs, 1);
  checkWholeNumber('unknownTtlMs', terms.unknownTtlMs, 1);
  checkTtls(terms.outcomeTtlMs, terms.recordTtlMs);
}

function checkTtls(outcomeTtlMs: number, recordTtlMs: number): void {
  checkWholeNumber('outcomeTtlMs', outcomeTtlMs, 1);
  if (outcomeTtlMs > recordTtlMs)
    throw invalidArgument('outcomeTtlMs', outcomeTtlMs, `at most recordTtlMs (${recordTtlMs})`);
}

function checkBytes(name: string, value: Uint8Array): void {
  if (!isUint8Array(value)) throw invalidArgument(name, typeof value, 'a Uint8Array');
}

/** Empty text would read as none; half of a pair of surrogates would come back as another character. */
function checkText(name: string, value: string | null): void {
  if (value === null) return;
  const fits = typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
  if (fits && value.isWellFormed()) return;
  throw invalidArgument(name, value, `1 to ${maxTextLength} characters of Unicode, or null`);
}

function checkWholeNumber(name: string, value: number | null, least: number, most = maxDurationMs): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return;
  throw invalidArgument(name, value, `a whole number from ${least} to ${most}`);
}

function checkTimestamp(name: string, value: number | null): void {
  checkWholeNumber(name, value, 0, recordNumberLimit - 1);
}

function checkBoolean(name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw invalidArgument(name, value, 'true or false');
}

function checkOneOf(name: string, value: string, values: readonly string[]): void {
  if (!values.includes(value)) throw invalidArgument(name, value, values.join(' or '));
}

/** A pattern alone would take `undefined` for a name of nine letters. */
function matches(pattern: RegExp, value: string): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function invalidArgument(name: string, value: unknown, remedy: string): StoreError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : String(value);
  return new StoreError('bug', `${name} is ${shown}; it must be ${remedy}.`);
}

/** True also for one of another realm, as a Buffer is where jest runs a test in jsdom. */
function isUint8Array(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}
