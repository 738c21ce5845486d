// How long things last: leases that only get longer, lives that outlast their lease, outcomes with a life of their own.
import type { Completion, RecordTerms } from './messages.js';
import { blankRecord, restoreTtlMs, type StoredRecord } from './record.js';

/** When a record that lives on from `at` may go: guarded and unknown ones stay long enough for a person to decide. */
export function lifeEnd(at: number, doubtful: boolean, terms: RecordTerms): number {
  return at + (doubtful ? Math.max(terms.recordTtlMs, terms.unknownTtlMs) : terms.recordTtlMs);
}

/** A longer lease, never a shorter one, and a life that outlasts it. */
export function prolong(record: StoredRecord, leaseMs: number, terms: RecordTerms, now: number): StoredRecord {
  const longer = now + leaseMs > record.leaseEndAt;
  const leaseEndAt = longer ? now + leaseMs : record.leaseEndAt;
  return {
    ...record,
    leaseEndAt,
    leaseMs: longer ? leaseMs : record.leaseMs,
    expiresAt: Math.max(record.expiresAt, lifeEnd(leaseEndAt, record.guarded, terms)),
  };
}

/**
 * When a record that was freed may go. Steps are kept as long as the terms say. Without steps it has to outlast late messages
 * alone: those of earlier owners, whose leases ended before now, and those of its own until the end of its lease.
 */
export function freedEnd(record: StoredRecord, terms: RecordTerms, now: number): number {
  const expiresAt = Math.max(record.expiresAt, lifeEnd(now, false, terms));
  if (record.steps.size > 0) return expiresAt;
  return Math.min(expiresAt, Math.max(now + restoreTtlMs, record.leaseEndAt));
}

/** A record in another state than in_progress has no lease. */
export const noLease = Object.freeze({ leaseEndAt: 0, leaseMs: 0 });

/** The record with its outcome; lease and steps are dropped. It lives `recordTtlMs` from now, and until `leastExpiresAt` at least. */
export function completed(
  record: StoredRecord,
  recordTtlMs: number,
  completion: Pick<Completion, 'outcome' | 'outcomeTtlMs' | 'note'>,
  now: number,
  leastExpiresAt: number,
): StoredRecord {
  return {
    ...record,
    ...noLease,
    state: 'completed',
    steps: blankRecord.steps,
    note: completion.note,
    retryAt: null,
    expiresAt: Math.max(now + recordTtlMs, leastExpiresAt),
    completedAt: now,
    outcome: completion.outcome,
    outcomeEndAt: completion.outcome === null ? 0 : now + completion.outcomeTtlMs,
  };
}
