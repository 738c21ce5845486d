// The owner's verbs: renew, checkpoint, complete, release. Each may arrive late and twice, and then changes nothing that
// the lease does not own. Own lease = same owner token and same fencing token.

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
import { blankRecord, isLive, type StoredRecord } from './record.js';
import { completeRecord, extendLease, freedRecordExpiry, noLease, recordExpiry } from './record-lifetime.js';
import { deriveStanding } from './standing.js';
import type { Transition } from './transition.js';

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

export function checkpoint(
  record: StoredRecord | null,
  lease: Lease,
  checkpointRequest: Checkpoint,
  now: number,
): Transition<CheckpointReply> {
  if (isLive(record, now) && isOwnedBy(record, lease) && record.state === 'in_progress') {
    const held = record.steps.get(checkpointRequest.step);
    if (held !== undefined && checkpointRequest.seq <= held.seq) return { record, reply: { kind: 'ok', now } };
    const steps = new Map(record.steps).set(checkpointRequest.step, {
      seq: checkpointRequest.seq,
      bytes: checkpointRequest.bytes,
    });
    return { record: { ...record, steps }, reply: { kind: 'ok', now } };
  }
  return { record, reply: { kind: isMissingOrOlder(record, lease, now) ? 'gone' : 'lost', now } };
}

export function complete(
  record: StoredRecord | null,
  lease: Lease,
  completion: Completion,
  now: number,
): Transition<CompleteReply> {
  if (isLive(record, now) && isOwnedBy(record, lease)) {
    if (record.state === 'completed') return { record, reply: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      // What was found out about an unknown outcome is a decision, and none shortens a life.
      const leastExpiresAt = record.recovering ? record.expiresAt : 0;
      const next = completeRecord(record, lease.recordTtlMs, completion, now, leastExpiresAt);
      return { record: next, reply: { kind: 'ok', now } };
    }
  }
  if (isLive(record, now) && !isMissingOrOlder(record, lease, now)) {
    return { record, reply: { kind: 'lost', standing: deriveStanding(record, lease.fingerprint, now), now } };
  }
  if (!mayReplace(record, lease) || now >= completion.notAfter) return { record, reply: { kind: 'gone', now } };
  const leastExpiresAt = isLive(record, now) ? record.expiresAt : 0;
  const anew = completeRecord(restoreRecord(record, lease, 0, now), lease.recordTtlMs, completion, now, leastExpiresAt);
  return { record: anew, reply: { kind: 'restored', now } };
}

export function release(
  record: StoredRecord | null,
  holder: LeaseIdentity,
  how: ReleaseRequest,
  now: number,
): Transition<ReleaseReply> {
  const mine = isLive(record, now) && record.ownerToken === holder.ownerToken;
  if (mine && (how.as === 'not_started' || record.fencingToken === holder.fencingToken)) {
    if (record.state === 'retryable' || record.state === 'unknown') return { record, reply: { kind: 'ok', now } };
    if (record.state === 'in_progress') {
      return { record: releaseRecord(record, holder, how, now), reply: { kind: 'ok', now } };
    }
  }
  return { record, reply: { kind: isMissingOrOlder(record, holder, now) ? 'gone' : 'lost', now } };
}

function isOwnedBy(record: StoredRecord, lease: Lease): boolean {
  return record.ownerToken === lease.ownerToken && record.fencingToken === lease.fencingToken;
}

/**
 * Whether the store lost what this lease wrote: the record is absent, or an older copy. What Redis really loses in a
 * failover are the last writes, so a lower fencing token on an unfinished record is a loss, not a rival.
 */
function isMissingOrOlder(record: StoredRecord | null, holder: LeaseIdentity, now: number): boolean {
  if (!isLive(record, now)) return true;
  if (record.state === 'completed' || record.state === 'removed') return false;
  return record.fencingToken < (holder.fencingToken ?? 0);
}

/** A newer owner's record is not written over, even when its life has ended. */
function mayReplace(record: StoredRecord | null, lease: Lease): boolean {
  return record === null || record.fencingToken <= lease.fencingToken;
}

/** The record anew, from what the lease carries. Steps and decisions of an older copy stay, and its life is not shortened. */
function restoreRecord(before: StoredRecord | null, lease: Lease, leaseMs: number, now: number): StoredRecord {
  const old = isLive(before, now) ? before : null;
  const leaseEndAt = now + leaseMs;
  return {
    ...blankRecord,
    fingerprint: lease.fingerprint,
    ownerToken: lease.ownerToken,
    fencingToken: lease.fencingToken,
    attempt: lease.attempt,
    leaseEndAt,
    leaseMs,
    takeover: lease.takeover,
    recovering: lease.recovering,
    guarded: lease.guarded,
    fingerprintBound: lease.fingerprintBound,
    recordTtlMs: lease.recordTtlMs,
    outcomeTtlMs: lease.outcomeTtlMs,
    unknownTtlMs: lease.unknownTtlMs,
    steps: old?.steps ?? blankRecord.steps,
    decisions: old?.decisions ?? blankRecord.decisions,
    expiresAt: Math.max(old?.expiresAt ?? 0, recordExpiry(leaseEndAt, lease.guarded, lease)),
  };
}

function releaseRecord(record: StoredRecord, holder: LeaseIdentity, how: ReleaseRequest, now: number): StoredRecord {
  const unknown = how.as === 'unknown' || (how.as === 'not_started' && record.recovering);
  if (!unknown) return freeRecord(record, holder, how, now);
  const { retryAfterMs, note } = how.as === 'unknown' ? how : { retryAfterMs: null, note: record.note };
  return {
    ...record,
    ...noLease,
    state: 'unknown',
    note,
    retryAt: retryAfterMs === null ? null : now + retryAfterMs,
    expiresAt: Math.max(record.expiresAt, recordExpiry(now, true, holder)),
  };
}

function freeRecord(record: StoredRecord, holder: LeaseIdentity, how: ReleaseRequest, now: number): StoredRecord {
  const unbinds =
    how.as === 'retryable' && how.unbindFingerprint === true && !record.fingerprintBound && record.steps.size === 0;
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
