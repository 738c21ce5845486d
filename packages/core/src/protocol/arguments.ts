// What a verb's arguments must look like, checked before anything is sent or written: a script has no rollback.
import { StoreError } from '../errors.js';
import type {
  AcquireRequest,
  Checkpoint,
  Completion,
  Holder,
  Lease,
  RecordTerms,
  Release,
  Resolve,
} from './messages.js';

const keyPattern = /^[A-Za-z0-9_-]{1,128}$/;
const tokenPattern = /^[A-Za-z0-9_-]{1,64}$/;
const fingerprintPattern = /^[a-z0-9]{1,16}:[\x21-\x7e]{1,128}$/;
const stepPattern = /^[\x21-\x7e]{1,128}$/;
/** Every number of a record is below this, about 30,000 years: beyond it doubles and Lua would no longer count single milliseconds. */
export const timeLimitMs = 1e15;
/** About 3,000 years, so that a time and some durations together stay below the limit. */
const maxDurationMs = 1e14;
/** The next one, which the record gets, stays below the limit. */
export const maxFence = timeLimitMs - 2;
/** The longest text of a note, and of who decided and why, in UTF-16 code units. */
export const maxTextLength = 1024;

const onAbandonedWords = ['rerun', 'block', 'recover'];
const releaseWords = ['retryable', 'unknown', 'not_started'];
const resolveWords = ['done', 'not_done'];

export function checkKey(key: string): void {
  if (!matches(keyPattern, key)) throw wrong('key', key, '1 to 128 of A-Z a-z 0-9 _ -');
}

export function checkAcquire(key: string, request: AcquireRequest): void {
  checkKey(key);
  checkToken(request.token);
  checkFingerprint(request.fingerprint);
  checkDuration('leaseMs', request.leaseMs, 1);
  checkTerms(request);
  checkTime('notAfter', request.notAfter);
  checkTime('fenceSeen', request.fenceSeen);
  if (request.fenceSeen > maxFence) throw wrong('fenceSeen', request.fenceSeen, `at most ${maxFence}`);
  checkOneOf('onAbandoned', request.onAbandoned, onAbandonedWords);
  if (request.awaited !== undefined) checkFlag('awaited', request.awaited);
  if (request.scope !== undefined && request.scope !== null) checkScope(request.scope);
}

function checkLease(lease: Lease): void {
  checkHolder(lease);
  checkFingerprint(lease.fingerprint);
  checkTime('fence', lease.fence);
  checkDuration('attempt', lease.attempt, 1);
  checkTime('leaseEndAt', lease.leaseEndAt);
  checkFlag('takeover', lease.takeover);
  checkFlag('recovering', lease.recovering);
  checkFlag('guarded', lease.guarded);
  checkFlag('bound', lease.bound);
}

export function checkRenew(lease: Lease, leaseMs: number): void {
  checkLease(lease);
  checkDuration('leaseMs', leaseMs, 1);
}

export function checkCheckpoint(lease: Lease, point: Checkpoint): void {
  checkLease(lease);
  if (!matches(stepPattern, point.step)) {
    throw wrong('step', point.step, '1 to 128 printable ASCII characters without spaces');
  }
  checkDuration('seq', point.seq, 0);
  checkBytes('bytes', point.bytes);
}

export function checkComplete(lease: Lease, completion: Completion): void {
  checkLease(lease);
  if (completion.outcome !== null) checkBytes('outcome', completion.outcome);
  checkTtls(completion.outcomeTtlMs, lease.recordTtlMs);
  checkText('note', completion.note);
  checkTime('notAfter', completion.notAfter);
}

export function checkRelease(holder: Holder, how: Release): void {
  checkHolder(holder);
  checkOneOf('as', how.as, releaseWords);
  if (holder.fence !== null || how.as !== 'not_started') checkTime('fence', holder.fence);
  if (how.as === 'retryable' && how.unbind !== undefined) checkFlag('unbind', how.unbind);
  if (how.as !== 'unknown') return;
  if (how.retryAfterMs !== null) checkDuration('retryAfterMs', how.retryAfterMs, 0);
  checkText('note', how.note);
}

export function checkScan(request: { readonly cursor: string | null; readonly limit: number }): void {
  checkDuration('limit', request.limit, 1);
  const { cursor } = request;
  if (cursor !== null && typeof cursor !== 'string') throw wrong('cursor', cursor, 'of a page, or null');
}

export function checkResolve(key: string, request: Resolve): void {
  checkKey(key);
  checkTime('expectFence', request.expectFence);
  checkOneOf('as', request.as, resolveWords);
  if (request.outcome !== null) checkBytes('outcome', request.outcome);
  const { outcomeTtlMs, recordTtlMs } = request;
  if (recordTtlMs !== null) checkDuration('recordTtlMs', recordTtlMs, 1);
  if (outcomeTtlMs !== null) checkTtls(outcomeTtlMs, recordTtlMs ?? maxDurationMs);
  checkText('note', request.note);
  checkText('by', request.by);
  checkText('reason', request.reason);
}

function checkHolder(holder: Holder): void {
  checkKey(holder.key);
  checkToken(holder.token);
  checkTerms(holder);
}

function checkScope(scope: string): void {
  if (!matches(keyPattern, scope)) throw wrong('scope', scope, '1 to 128 of A-Z a-z 0-9 _ -');
}

function checkToken(token: string): void {
  if (!matches(tokenPattern, token)) throw wrong('token', token, '1 to 64 of A-Z a-z 0-9 _ -');
}

function checkFingerprint(fingerprint: string | null): void {
  if (fingerprint === null || matches(fingerprintPattern, fingerprint)) return;
  throw wrong('fingerprint', fingerprint, 'version:digest in printable ASCII');
}

function checkTerms(terms: RecordTerms): void {
  checkDuration('recordTtlMs', terms.recordTtlMs, 1);
  checkDuration('unknownTtlMs', terms.unknownTtlMs, 1);
  checkTtls(terms.outcomeTtlMs, terms.recordTtlMs);
}

function checkTtls(outcomeTtlMs: number, recordTtlMs: number): void {
  checkDuration('outcomeTtlMs', outcomeTtlMs, 1);
  if (outcomeTtlMs > recordTtlMs) throw wrong('outcomeTtlMs', outcomeTtlMs, `at most recordTtlMs (${recordTtlMs})`);
}

function checkBytes(name: string, value: Uint8Array): void {
  if (!isUint8Array(value)) throw wrong(name, typeof value, 'a Uint8Array');
}

/** Empty text would read as none; half of a pair of surrogates would come back as another character. */
function checkText(name: string, value: string | null): void {
  if (value === null) return;
  const fits = typeof value === 'string' && value.length > 0 && value.length <= maxTextLength;
  if (fits && value.isWellFormed()) return;
  throw wrong(name, value, `1 to ${maxTextLength} characters of Unicode, or null`);
}

function checkDuration(name: string, value: number | null, least: number, most = maxDurationMs): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return;
  throw wrong(name, value, `a whole number from ${least} to ${most}`);
}

function checkTime(name: string, value: number | null): void {
  checkDuration(name, value, 0, timeLimitMs - 1);
}

function checkFlag(name: string, value: boolean): void {
  if (typeof value !== 'boolean') throw wrong(name, value, 'true or false');
}

function checkOneOf(name: string, value: string, values: readonly string[]): void {
  if (!values.includes(value)) throw wrong(name, value, values.join(' or '));
}

/** A pattern alone would take `undefined` for a name of nine letters. */
function matches(pattern: RegExp, value: string): boolean {
  return typeof value === 'string' && pattern.test(value);
}

function wrong(name: string, value: unknown, remedy: string): StoreError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : String(value);
  return new StoreError('bug', `${name} is ${shown}; it must be ${remedy}.`);
}

/** True also for one of another realm, as a Buffer is where jest runs a test in jsdom. */
function isUint8Array(value: unknown): value is Uint8Array {
  return Object.prototype.toString.call(value) === '[object Uint8Array]';
}
