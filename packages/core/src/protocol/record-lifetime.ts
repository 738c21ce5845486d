// How long things last: leases that only get longer, lives that outlast their lease, outcomes with a life of their own.
import type { Completion, RecordRetention } from './messages.js';
import { blankRecord, restoreWindowMs, type StoredRecord } from './record.js';

/** When a record that lives on from `at` may go: guarded and unknown ones stay long enough for a person to decide. */
export function recordExpiry(startsAt: number, needsDecision: boolean, retention: RecordRetention): number {
  return startsAt + (needsDecision ? Math.max(retention.recordTtlMs, retention.unknownTtlMs) : retention.recordTtlMs);
}

/** A longer lease, never a shorter one, and a life that outlasts it. */
export function extendLease(
  record: StoredRecord,
  leaseMs: number,
  retention: RecordRetention,
  now: number,
): StoredRecord {
  const longer = now + leaseMs > record.leaseEndAt;
  const leaseEndAt = longer ? now + leaseMs : record.leaseEndAt;
  return {
    ...record,
    leaseEndAt,
    leaseMs: longer ? leaseMs : record.leaseMs,
    expiresAt: Math.max(record.expiresAt, recordExpiry(leaseEndAt, record.guarded, retention)),
  };
}

/**
 * When a record that was freed may go. Steps are kept as long as the terms say. Without steps it has to outlast late messages
 * alone: those of earlier owners, whose leases ended before now, and those of its own until the end of its lease.
 */
export function freedRecordExpiry(record: StoredRecord, retention: RecordRetention, now: number): number {
  const expiresAt = Math.max(record.expiresAt, recordExpiry(now, false, retention));
  if (record.steps.size > 0) return expiresAt;
  return Math.min(expiresAt, Math.max(now + restoreWindowMs, record.leaseEndAt));
}

/** A record in another state than in_progress has no lease. */
export const noLease = Object.freeze({ leaseEndAt: 0, leaseMs: 0 });

/** The record with its outcome; lease and steps are dropped. It lives `recordTtlMs` from now, and until `leastExpiresAt` at least. */
export function completeRecord(
  record: StoredRecord,
  recordTtlMs: number,
  completion: Pick<Completion, 'outcome' | 'outcomeTtlMs' | 'note'>,
  now: number,
  minExpiresAt: number,
): StoredRecord {
  return {
    ...record,
    ...noLease,
    state: 'completed',
    steps: blankRecord.steps,
    note: completion.note,
    retryAt: null,
    expiresAt: Math.max(now + recordTtlMs, minExpiresAt),
    completedAt: now,
    outcome: completion.outcome,
    outcomeEndAt: completion.outcome === null ? 0 : now + completion.outcomeTtlMs,
  };
}
