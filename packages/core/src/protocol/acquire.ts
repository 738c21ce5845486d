// Acquire: grants the right to run, or reports the record's standing. It follows the table in docs/protocol.md; the first matching
// row decides.

import type { Acquired, AcquireReply, AcquireRequest } from './messages.js';
import { attemptFacts, blankRecord, isLive, type StoredRecord } from './record.js';
import { extendLease, recordExpiry } from './record-lifetime.js';
import { deriveStanding, hasOtherFingerprint } from './standing.js';
import type { Transition } from './transition.js';

/** Grants a lease to this caller, or replies why it may not run. */
export function acquire(record: StoredRecord | null, request: AcquireRequest, now: number): Transition<AcquireReply> {
  const next = nextRecord(record, request, now);
  if (next === null) return { record, reply: notAcquiredReply(record, request, now) };
  if (now > request.notAfter) return { record, reply: { kind: 'superseded', now } };
  return { record: next, reply: acquiredReply(next, now) };
}

/** Returns the record with a lease for this caller, or null if the caller may not run. */
function nextRecord(record: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord | null {
  if (!isLive(record, now) || record.state === 'removed') return firstAttempt(record, request, now);
  if (hasOtherFingerprint(record, request.fingerprint)) return null;
  const sameToken = record.ownerToken === request.ownerToken;
  switch (record.state) {
    case 'in_progress':
      // A resend gets the same attempt. Its lease lasts at least `leaseMs` from now.
      if (sameToken) return extendLease(record, request.leaseMs, request, now);
      if (now < record.leaseEndAt) return null;
      if (record.guarded)
        return request.onAbandoned === 'recover' ? startNextAttempt(record, request, now, 'recovery') : null;
      return startNextAttempt(record, request, now, 'takeover');
    case 'unknown':
      if (sameToken || request.onAbandoned !== 'recover' || now < (record.retryAt ?? 0)) return null;
      return startNextAttempt(record, request, now, 'recovery');
    case 'retryable':
      return sameToken ? null : startNextAttempt(record, request, now, 'retry');
    case 'completed':
      return null;
  }
}

/** The reply to a caller that may not run. */
export function notAcquiredReply(
  record: StoredRecord | null,
  request: Pick<AcquireRequest, 'ownerToken' | 'fingerprint'>,
  now: number,
): AcquireReply {
  if (record === null) return { kind: 'superseded', now };
  const standing = deriveStanding(record, request.fingerprint, now);
  // This is a late copy of an acquisition whose attempt has already ended. Any other reply would let it run again.
  if (
    standing.kind === 'retryable' ||
    (standing.kind === 'outcome_unknown' && record.ownerToken === request.ownerToken)
  ) {
    return { kind: 'superseded', now };
  }
  return { ...standing, now };
}

/** The record of a first attempt. It replaces `before`, and keeps nothing of it but that its fencing token is higher. */
export function firstAttempt(before: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord {
  const guarded = request.onAbandoned !== 'rerun';
  const leaseEndAt = now + request.leaseMs;
  return {
    ...blankRecord,
    fingerprint: request.fingerprint,
    ownerToken: request.ownerToken,
    fencingToken: nextFencingToken(before, request, now),
    attempt: 1,
    leaseEndAt,
    leaseMs: request.leaseMs,
    guarded,
    operation: request.operation,
    label: request.label,
    traceparent: request.traceparent,
    firstAcquiredAt: now,
    acquiredAt: now,
    recordTtlMs: request.recordTtlMs,
    outcomeTtlMs: request.outcomeTtlMs,
    unknownTtlMs: request.unknownTtlMs,
    expiresAt: recordExpiry(leaseEndAt, guarded, request),
  };
}

/**
 * Starts the next attempt. Recorded steps and decisions stay; the owner token and the fencing token are new. A recovery that has no trace
 * of its own keeps that of the attempt whose outcome it finds out.
 */
function startNextAttempt(
  record: StoredRecord,
  request: AcquireRequest,
  now: number,
  reason: 'retry' | 'takeover' | 'recovery',
): StoredRecord {
  const next = firstAttempt(record, request, now);
  return {
    ...next,
    fingerprint: request.fingerprint ?? record.fingerprint,
    attempt: record.attempt + 1,
    takeover: reason !== 'retry',
    recovering: reason === 'recovery',
    fingerprintBound: record.fingerprint !== null,
    label: request.label ?? record.label,
    traceparent: request.traceparent ?? (reason === 'recovery' ? record.traceparent : null),
    firstAcquiredAt: record.firstAcquiredAt,
    steps: record.steps,
    decisions: record.decisions,
    note: reason === 'recovery' ? record.note : null,
    expiresAt: Math.max(record.expiresAt, next.expiresAt),
  };
}

/**
 * The token includes the store's time, so that tokens also grow after a loss of data. If an expired record is still at hand, its
 * token counts as well.
 */
function nextFencingToken(before: StoredRecord | null, request: AcquireRequest, now: number): number {
  return Math.max((before?.fencingToken ?? 0) + 1, now, request.lastSeenFencingToken + 1);
}

/** The reply to a caller that may run, taken from the record that was written for it. */
export function acquiredReply(record: StoredRecord, now: number): Acquired & { readonly now: number } {
  const { leaseEndAt, steps } = record;
  return { kind: 'acquired', now, ...attemptFacts(record), leaseEndAt, steps };
}
