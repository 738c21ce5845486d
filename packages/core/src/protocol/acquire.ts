// Acquire: the right to run, or what became of the one that has it. The first matching row of the table decides.

import type { Acquired, AcquireReply, AcquireRequest } from './messages.js';
import { blankRecord, isLive, type StoredRecord } from './record.js';
import { extendLease, recordExpiry } from './record-lifetime.js';
import { deriveStanding, hasOtherFingerprint } from './standing.js';
import type { Transition } from './transition.js';

export function acquire(record: StoredRecord | null, request: AcquireRequest, now: number): Transition<AcquireReply> {
  const next = nextRecord(record, request, now);
  if (next === null) return { record, reply: notAcquiredReply(record, request, now) };
  if (now > request.notAfter) return { record, reply: { kind: 'superseded', now } };
  return { record: next, reply: { ...acquiredReply(next), now } };
}

/** The record as it becomes if this caller may run, or null if it may not. */
function nextRecord(record: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord | null {
  if (!isLive(record, now) || record.state === 'removed') return startFirstAttempt(record, request, now);
  if (hasOtherFingerprint(record, request.fingerprint)) return null;
  const sameToken = record.ownerToken === request.ownerToken;
  switch (record.state) {
    case 'in_progress':
      // Sent again: the very same attempt, and a lease that counts from now at least.
      if (sameToken) return extendLease(record, request.leaseMs, request, now);
      if (now < record.leaseEndAt) return null;
      if (record.guarded)
        return request.onAbandoned === 'recover' ? startNextAttempt(record, request, now, 'recovering') : null;
      return startNextAttempt(record, request, now, 'takeover');
    case 'unknown':
      if (sameToken || request.onAbandoned !== 'recover' || now < (record.retryAt ?? 0)) return null;
      return startNextAttempt(record, request, now, 'recovering');
    case 'retryable':
      return sameToken ? null : startNextAttempt(record, request, now, 'again');
    case 'completed':
      return null;
  }
}

/** What a caller is told who may not run. */
export function notAcquiredReply(
  record: StoredRecord | null,
  request: Pick<AcquireRequest, 'ownerToken' | 'fingerprint'>,
  now: number,
): AcquireReply {
  if (record === null) return { kind: 'superseded', now };
  const seen = deriveStanding(record, request.fingerprint, now);
  // A late copy of an acquisition whose work already ended: answering anything else would let it run again.
  if (seen.kind === 'retryable' || (seen.kind === 'outcome_unknown' && record.ownerToken === request.ownerToken)) {
    return { kind: 'superseded', now };
  }
  return { ...seen, now };
}

function startFirstAttempt(before: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord {
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
    recordTtlMs: request.recordTtlMs,
    outcomeTtlMs: request.outcomeTtlMs,
    unknownTtlMs: request.unknownTtlMs,
    expiresAt: recordExpiry(leaseEndAt, guarded, request),
  };
}

/** The next attempt: what was recorded stays, the owner and the fencing token are new. */
function startNextAttempt(
  record: StoredRecord,
  request: AcquireRequest,
  now: number,
  how: 'again' | 'takeover' | 'recovering',
): StoredRecord {
  const next = startFirstAttempt(record, request, now);
  return {
    ...next,
    fingerprint: request.fingerprint ?? record.fingerprint,
    attempt: record.attempt + 1,
    takeover: how !== 'again',
    recovering: how === 'recovering',
    fingerprintBound: record.fingerprint !== null,
    steps: record.steps,
    decisions: record.decisions,
    note: how === 'recovering' ? record.note : null,
    expiresAt: Math.max(record.expiresAt, next.expiresAt),
  };
}

/** Store time is in it so that tokens grow over data loss too; a gone record's token still counts where it is at hand. */
function nextFencingToken(before: StoredRecord | null, request: AcquireRequest, now: number): number {
  return Math.max((before?.fencingToken ?? 0) + 1, now, request.lastSeenFencingToken + 1);
}

/** What a caller is told who may run: the record that was made for it. */
export function acquiredReply(record: StoredRecord): Acquired {
  const { attempt, fencingToken, takeover, recovering, guarded, fingerprintBound, leaseEndAt, steps } = record;
  return {
    kind: 'acquired',
    attempt,
    fencingToken,
    takeover,
    recovering,
    guarded,
    fingerprintBound,
    leaseEndAt,
    steps,
  };
}
