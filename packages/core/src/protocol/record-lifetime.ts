// Computes how long leases, records and outcomes last. A lease only gets longer, and a record outlives its lease.
import type { Completion, RecordRetention } from './messages.js';
import { blankRecord, restoreWindowMs, type StoredRecord } from './record.js';

/** When a record expires whose lifetime counts from `startsAt`. Guarded and unknown records stay until a person can decide. */
export function recordExpiry(startsAt: number, needsDecision: boolean, retention: RecordRetention): number {
  return startsAt + (needsDecision ? Math.max(retention.recordTtlMs, retention.unknownTtlMs) : retention.recordTtlMs);
}

/** Makes the lease end at least `leaseMs` from now, never earlier than before, and the record outlive it. */
export function extendLease(
  record: StoredRecord,
  leaseMs: number,
  retention: RecordRetention,
  now: number,
): StoredRecord {
  const isLonger = now + leaseMs > record.leaseEndAt;
  const leaseEndAt = isLonger ? now + leaseMs : record.leaseEndAt;
  return {
    ...record,
    leaseEndAt,
    leaseMs: isLonger ? leaseMs : record.leaseMs,
    expiresAt: Math.max(record.expiresAt, recordExpiry(leaseEndAt, record.guarded, retention)),
  };
}

/**
 * When a record that was released as retryable expires. A record with steps, or with a decision, is kept for its whole retention. Any
 * other only has to outlast late messages: those of earlier owners, whose leases ended before now, and those of its own owner until the end
 * of its lease.
 */
export function freedRecordExpiry(record: StoredRecord, retention: RecordRetention, now: number): number {
  const expiresAt = Math.max(record.expiresAt, recordExpiry(now, false, retention));
  if (record.steps.size > 0 || record.decisions.length > 0) return expiresAt;
  return Math.min(expiresAt, Math.max(now + restoreWindowMs, record.leaseEndAt));
}

/** Only a record in progress has a lease. */
export const noLease = Object.freeze({ leaseEndAt: 0, leaseMs: 0 });

/** Records the outcome, and drops the lease and the steps. The record lives `recordTtlMs` from now, at least until `minExpiresAt`. */
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
