// Acquire: the right to run, or what became of the one that has it. The first matching row of the table decides.
import { lifeEnd, prolong } from './life.js';
import type { AcquireAnswer, Acquired, AcquireRequest } from './messages.js';
import { blankRecord, isLive, type StoredRecord } from './record.js';
import { mismatches, standing } from './standing.js';
import type { Transition } from './transition.js';

export function acquire(record: StoredRecord | null, request: AcquireRequest, now: number): Transition<AcquireAnswer> {
  const next = decide(record, request, now);
  if (next === null) return { record, answer: refuse(record, request, now) };
  if (now > request.notAfter) return { record, answer: { kind: 'superseded', now } };
  return { record: next, answer: { ...granted(next), now } };
}

/** The record as it becomes if this caller may run, or null if it may not. */
function decide(record: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord | null {
  if (!isLive(record, now) || record.state === 'removed') return create(record, request, now);
  if (mismatches(record, request.fingerprint)) return null;
  const sameToken = record.token === request.token;
  switch (record.state) {
    case 'in_progress':
      // Sent again: the very same attempt, and a lease that counts from now at least.
      if (sameToken) return prolong(record, request.leaseMs, request, now);
      if (now < record.leaseEndAt) return null;
      if (record.guarded) return request.onAbandoned === 'recover' ? follow(record, request, now, 'recovering') : null;
      return follow(record, request, now, 'takeover');
    case 'unknown':
      if (sameToken || request.onAbandoned !== 'recover' || now < (record.retryAt ?? 0)) return null;
      return follow(record, request, now, 'recovering');
    case 'retryable':
      return sameToken ? null : follow(record, request, now, 'again');
    case 'completed':
      return null;
  }
}

/** What a caller is told who may not run. */
export function refuse(
  record: StoredRecord | null,
  request: Pick<AcquireRequest, 'token' | 'fingerprint'>,
  now: number,
): AcquireAnswer {
  if (record === null) return { kind: 'superseded', now };
  const seen = standing(record, request.fingerprint, now);
  // A late copy of an acquisition whose work already ended: answering anything else would let it run again.
  if (seen.kind === 'retryable' || (seen.kind === 'unknown' && record.token === request.token)) {
    return { kind: 'superseded', now };
  }
  return { ...seen, now };
}

function create(before: StoredRecord | null, request: AcquireRequest, now: number): StoredRecord {
  const guarded = request.onAbandoned !== 'rerun';
  const leaseEndAt = now + request.leaseMs;
  return {
    ...blankRecord,
    fingerprint: request.fingerprint,
    token: request.token,
    fence: nextFence(before, request, now),
    attempt: 1,
    leaseEndAt,
    leaseMs: request.leaseMs,
    guarded,
    recordTtlMs: request.recordTtlMs,
    outcomeTtlMs: request.outcomeTtlMs,
    unknownTtlMs: request.unknownTtlMs,
    expiresAt: lifeEnd(leaseEndAt, guarded, request),
  };
}

/** The next attempt: what was recorded stays, the owner and the fencing token are new. */
function follow(
  record: StoredRecord,
  request: AcquireRequest,
  now: number,
  how: 'again' | 'takeover' | 'recovering',
): StoredRecord {
  const next = create(record, request, now);
  return {
    ...next,
    fingerprint: request.fingerprint ?? record.fingerprint,
    attempt: record.attempt + 1,
    takeover: how !== 'again',
    recovering: how === 'recovering',
    bound: record.fingerprint !== null,
    steps: record.steps,
    decisions: record.decisions,
    note: how === 'recovering' ? record.note : null,
    expiresAt: Math.max(record.expiresAt, next.expiresAt),
  };
}

/** Store time is in it so that tokens grow over data loss too; a gone record's token still counts where it is at hand. */
function nextFence(before: StoredRecord | null, request: AcquireRequest, now: number): number {
  return Math.max((before?.fence ?? 0) + 1, now, request.fenceSeen + 1);
}

/** What a caller is told who may run: the record that was made for it. */
export function granted(record: StoredRecord): Acquired {
  const { attempt, fence, takeover, recovering, guarded, bound, leaseEndAt, steps } = record;
  return { kind: 'acquired', attempt, fence, takeover, recovering, guarded, bound, leaseEndAt, steps };
}
