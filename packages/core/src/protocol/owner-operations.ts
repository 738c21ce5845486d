// The owner's operations: renew, checkpoint, complete, release. Each may arrive late or twice, and then changes nothing that its lease
// does not own. A lease owns a record if the owner token and the fencing token are both equal.
import type {
  Checkpoint,
  CheckpointReply,
  CompleteReply,
  Completion,
  Lease,
  LeaseIdentity,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
} from './messages.js';
import { attemptFacts, blankRecord, isLive, type StoredRecord } from './record.js';
import { completeRecord, extendLease, freedRecordExpiry, noLease, recordExpiry } from './record-lifetime.js';
import { deriveStanding } from './standing.js';
import type { Transition } from './transition.js';

/** Extends the lease. Restores the record if the store lost it and the lease has not ended. */
export function renew(record: StoredRecord | null, lease: Lease, leaseMs: number, now: number): Transition<RenewReply> {
  if (isLive(record, now) && isOwnedBy(record, lease)) {
    if (record.state === 'completed') return { record, reply: { kind: 'ok', leaseEndAt: lease.leaseEndAt, now } };
    if (record.state !== 'in_progress') return { record, reply: { kind: 'lost', now } };
    const next = extendLease(record, leaseMs, lease, now);
    return { record: next, reply: { kind: 'ok', leaseEndAt: next.leaseEndAt, now } };
  }
  if (!isMissingOrOlder(record, lease, now)) return { record, reply: { kind: 'lost', now } };
  if (!mayReplace(record, lease) || now >= lease.leaseEndAt) return { record, reply: { kind: 'gone', now } };
  const next = restoreRecord(record, lease, leaseMs, now);
  return { record: next, reply: { kind: 'restored', leaseEndAt: next.leaseEndAt, now } };
}

/** Records the bytes of a step, unless the step already holds bytes of the same or a higher `seq`. */
export function checkpoint(
  record: StoredRecord | null,
  lease: Lease,
  { step, seq, bytes }: Checkpoint,
  now: number,
): Transition<CheckpointReply> {
  if (isLive(record, now) && isOwnedBy(record, lease) && record.state === 'in_progress') {
    const recorded = record.steps.get(step);
    if (recorded !== undefined && seq <= recorded.seq) return { record, reply: { kind: 'ok', now } };
    const steps = new Map(record.steps).set(step, { seq, bytes });
    return { record: { ...record, steps }, reply: { kind: 'ok', now } };
  }
  return { record, reply: { kind: isMissingOrOlder(record, lease, now) ? 'gone' : 'lost', now } };
}

/** Records the outcome. Restores the record if the store lost it and `notAfter` has not passed. */
export function complete(
  record: StoredRecord | null,
  lease: Lease,
  completion: Completion,
  now: number,
): Transition<CompleteReply> {
  if (isLive(record, now) && isOwnedBy(record, lease)) {
    if (record.state === 'completed') return { record, reply: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      // A recovering attempt decides an unknown outcome, and no decision shortens the lifetime of a record.
      const minExpiresAt = record.recovering ? record.expiresAt : 0;
      const next = completeRecord(record, lease.recordTtlMs, completion, now, minExpiresAt);
      return { record: next, reply: { kind: 'ok', now } };
    }
  }
  if (isLive(record, now) && !isMissingOrOlder(record, lease, now)) {
    return { record, reply: { kind: 'lost', standing: deriveStanding(record, lease.fingerprint, now), now } };
  }
  if (!mayReplace(record, lease) || now >= completion.notAfter) return { record, reply: { kind: 'gone', now } };
  const minExpiresAt = isLive(record, now) ? record.expiresAt : 0;
  const restored = restoreRecord(record, lease, 0, now);
  const next = completeRecord(restored, lease.recordTtlMs, completion, now, minExpiresAt);
  return { record: next, reply: { kind: 'restored', now } };
}

/** Ends the attempt without an outcome. */
export function release(
  record: StoredRecord | null,
  holder: LeaseIdentity,
  request: ReleaseRequest,
  now: number,
): Transition<ReleaseReply> {
  const hasOwnToken = isLive(record, now) && record.ownerToken === holder.ownerToken;
  if (hasOwnToken && (request.as === 'not_started' || record.fencingToken === holder.fencingToken)) {
    if (record.state === 'retryable' || record.state === 'unknown') return { record, reply: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      return { record: releaseRecord(record, holder, request, now), reply: { kind: 'ok', now } };
    }
  }
  return { record, reply: { kind: isMissingOrOlder(record, holder, now) ? 'gone' : 'lost', now } };
}

function isOwnedBy(record: StoredRecord, lease: Lease): boolean {
  return record.ownerToken === lease.ownerToken && record.fencingToken === lease.fencingToken;
}

/**
 * Whether the store lost what this lease wrote, so that the record is absent or an older copy. A failover of Redis loses the last
 * writes. So a lower fencing token on an unfinished record means such a loss; it does not mean another owner.
 */
function isMissingOrOlder(record: StoredRecord | null, holder: LeaseIdentity, now: number): boolean {
  if (!isLive(record, now)) return true;
  if (record.state === 'completed' || record.state === 'removed') return false;
  return record.fencingToken < (holder.fencingToken ?? 0);
}

/** The record of a newer owner is never overwritten, not even after it has expired. */
function mayReplace(record: StoredRecord | null, lease: Lease): boolean {
  return record === null || record.fencingToken <= lease.fencingToken;
}

/** Writes the record again from the facts in the lease. It keeps the steps, the decisions and at least the lifetime of an older copy. */
function restoreRecord(before: StoredRecord | null, lease: Lease, leaseMs: number, now: number): StoredRecord {
  const old = isLive(before, now) ? before : null;
  const leaseEndAt = now + leaseMs;
  return {
    ...blankRecord,
    fingerprint: lease.fingerprint,
    ownerToken: lease.ownerToken,
    ...attemptFacts(lease),
    leaseEndAt,
    leaseMs,
    recordTtlMs: lease.recordTtlMs,
    outcomeTtlMs: lease.outcomeTtlMs,
    unknownTtlMs: lease.unknownTtlMs,
    steps: old?.steps ?? blankRecord.steps,
    decisions: old?.decisions ?? blankRecord.decisions,
    expiresAt: Math.max(old?.expiresAt ?? 0, recordExpiry(leaseEndAt, lease.guarded, lease)),
  };
}

function releaseRecord(
  record: StoredRecord,
  holder: LeaseIdentity,
  request: ReleaseRequest,
  now: number,
): StoredRecord {
  const isUnknown = request.as === 'unknown' || (request.as === 'not_started' && record.recovering);
  if (!isUnknown) return freeRecord(record, holder, request, now);
  const { retryAfterMs, note } = request.as === 'unknown' ? request : { retryAfterMs: null, note: record.note };
  return {
    ...record,
    ...noLease,
    state: 'unknown',
    note,
    retryAt: retryAfterMs === null ? null : now + retryAfterMs,
    expiresAt: Math.max(record.expiresAt, recordExpiry(now, true, holder)),
  };
}

function freeRecord(record: StoredRecord, holder: LeaseIdentity, request: ReleaseRequest, now: number): StoredRecord {
  const unbinds =
    request.as === 'retryable' &&
    request.unbindFingerprint === true &&
    !record.fingerprintBound &&
    record.steps.size === 0;
  return {
    ...record,
    ...noLease,
    state: 'retryable',
    fingerprint: unbinds ? null : record.fingerprint,
    note: null,
    retryAt: null,
    expiresAt: freedRecordExpiry(record, holder, now),
  };
}
