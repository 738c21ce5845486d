// The owner's verbs: renew, checkpoint, complete, release. Each may arrive late and twice, and then changes nothing that
// the lease does not own. Own lease = same owner token and same fencing token.
import { completed, freedEnd, lifeEnd, noLease, prolong } from './life.js';
import type {
  Checkpoint,
  CheckpointAnswer,
  CompleteAnswer,
  Completion,
  Holder,
  Lease,
  Release,
  ReleaseAnswer,
  RenewAnswer,
} from './messages.js';
import { blankRecord, isLive, type StoredRecord } from './record.js';
import { standing } from './standing.js';
import type { Transition } from './transition.js';

export function renew(
  record: StoredRecord | null,
  lease: Lease,
  leaseMs: number,
  now: number,
): Transition<RenewAnswer> {
  if (isLive(record, now) && owns(record, lease)) {
    if (record.state === 'completed') return { record, answer: { kind: 'ok', leaseEndAt: lease.leaseEndAt, now } };
    if (record.state !== 'in_progress') return { record, answer: { kind: 'lost', now } };
    const next = prolong(record, leaseMs, lease, now);
    return { record: next, answer: { kind: 'ok', leaseEndAt: next.leaseEndAt, now } };
  }
  if (!losesTo(record, lease, now)) return { record, answer: { kind: 'lost', now } };
  if (!replaceable(record, lease) || now >= lease.leaseEndAt) return { record, answer: { kind: 'gone', now } };
  const next = rewritten(record, lease, leaseMs, now);
  return { record: next, answer: { kind: 'restored', leaseEndAt: next.leaseEndAt, now } };
}

export function checkpoint(
  record: StoredRecord | null,
  lease: Lease,
  point: Checkpoint,
  now: number,
): Transition<CheckpointAnswer> {
  if (isLive(record, now) && owns(record, lease) && record.state === 'in_progress') {
    const held = record.steps.get(point.step);
    if (held !== undefined && point.seq <= held.seq) return { record, answer: { kind: 'ok', now } };
    const steps = new Map(record.steps).set(point.step, { seq: point.seq, bytes: point.bytes });
    return { record: { ...record, steps }, answer: { kind: 'ok', now } };
  }
  return { record, answer: { kind: losesTo(record, lease, now) ? 'gone' : 'lost', now } };
}

export function complete(
  record: StoredRecord | null,
  lease: Lease,
  completion: Completion,
  now: number,
): Transition<CompleteAnswer> {
  if (isLive(record, now) && owns(record, lease)) {
    if (record.state === 'completed') return { record, answer: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      // What was found out about an unknown outcome is a decision, and none shortens a life.
      const leastExpiresAt = record.recovering ? record.expiresAt : 0;
      const next = completed(record, lease.recordTtlMs, completion, now, leastExpiresAt);
      return { record: next, answer: { kind: 'ok', now } };
    }
  }
  if (isLive(record, now) && !losesTo(record, lease, now)) {
    return { record, answer: { kind: 'lost', standing: standing(record, lease.fingerprint, now), now } };
  }
  if (!replaceable(record, lease) || now >= completion.notAfter) return { record, answer: { kind: 'gone', now } };
  const leastExpiresAt = isLive(record, now) ? record.expiresAt : 0;
  const anew = completed(rewritten(record, lease, 0, now), lease.recordTtlMs, completion, now, leastExpiresAt);
  return { record: anew, answer: { kind: 'restored', now } };
}

export function release(
  record: StoredRecord | null,
  holder: Holder,
  how: Release,
  now: number,
): Transition<ReleaseAnswer> {
  const mine = isLive(record, now) && record.token === holder.token;
  if (mine && (how.as === 'not_started' || record.fence === holder.fence)) {
    if (record.state === 'retryable' || record.state === 'unknown') return { record, answer: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      return { record: released(record, holder, how, now), answer: { kind: 'ok', now } };
    }
  }
  return { record, answer: { kind: losesTo(record, holder, now) ? 'gone' : 'lost', now } };
}

function owns(record: StoredRecord, lease: Lease): boolean {
  return record.token === lease.token && record.fence === lease.fence;
}

/**
 * Whether the store lost what this lease wrote: the record is absent, or an older copy. What Redis really loses in a
 * failover are the last writes, so a lower fencing token on an unfinished record is a loss, not a rival.
 */
function losesTo(record: StoredRecord | null, holder: Holder, now: number): boolean {
  if (!isLive(record, now)) return true;
  if (record.state === 'completed' || record.state === 'removed') return false;
  return record.fence < (holder.fence ?? 0);
}

/** A newer owner's record is not written over, even when its life has ended. */
function replaceable(record: StoredRecord | null, lease: Lease): boolean {
  return record === null || record.fence <= lease.fence;
}

/** The record anew, from what the lease carries. Steps and decisions of an older copy stay, and its life is not shortened. */
function rewritten(before: StoredRecord | null, lease: Lease, leaseMs: number, now: number): StoredRecord {
  const old = isLive(before, now) ? before : null;
  const leaseEndAt = now + leaseMs;
  return {
    ...blankRecord,
    fingerprint: lease.fingerprint,
    token: lease.token,
    fence: lease.fence,
    attempt: lease.attempt,
    leaseEndAt,
    leaseMs,
    takeover: lease.takeover,
    recovering: lease.recovering,
    guarded: lease.guarded,
    bound: lease.bound,
    recordTtlMs: lease.recordTtlMs,
    outcomeTtlMs: lease.outcomeTtlMs,
    unknownTtlMs: lease.unknownTtlMs,
    steps: old?.steps ?? blankRecord.steps,
    decisions: old?.decisions ?? blankRecord.decisions,
    expiresAt: Math.max(old?.expiresAt ?? 0, lifeEnd(leaseEndAt, lease.guarded, lease)),
  };
}

function released(record: StoredRecord, holder: Holder, how: Release, now: number): StoredRecord {
  const unknown = how.as === 'unknown' || (how.as === 'not_started' && record.recovering);
  if (!unknown) return freed(record, holder, how, now);
  const { retryAfterMs, note } = how.as === 'unknown' ? how : { retryAfterMs: null, note: record.note };
  return {
    ...record,
    ...noLease,
    state: 'unknown',
    note,
    retryAt: retryAfterMs === null ? null : now + retryAfterMs,
    expiresAt: Math.max(record.expiresAt, lifeEnd(now, true, holder)),
  };
}

function freed(record: StoredRecord, holder: Holder, how: Release, now: number): StoredRecord {
  const unbinds = how.as === 'retryable' && how.unbind === true && !record.bound && record.steps.size === 0;
  return {
    ...record,
    ...noLease,
    state: 'retryable',
    fingerprint: unbinds ? null : record.fingerprint,
    note: null,
    retryAt: null,
    expiresAt: freedEnd(record, holder, now),
  };
}
