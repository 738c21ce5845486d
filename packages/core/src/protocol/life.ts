// How long things last: leases that only get longer, lives that outlast their lease, outcomes with a life of their own.
import type { Completion, RecordTerms } from './messages.js';
import { blankRecord, type StoredRecord } from './record.js';

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

/** A record in another state than in_progress has no lease. */
export const noLease = Object.freeze({ leaseEndAt: 0, leaseMs: 0 });

/** The record with its outcome; lease and steps are dropped, and its life counts from now. */
export function completed(
  record: StoredRecord,
  terms: Pick<RecordTerms, 'recordTtlMs'>,
  completion: Pick<Completion, 'outcome' | 'outcomeTtlMs' | 'note'>,
  now: number,
): StoredRecord {
  return {
    ...record,
    ...noLease,
    state: 'completed',
    steps: blankRecord.steps,
    note: completion.note,
    retryAt: null,
    expiresAt: now + terms.recordTtlMs,
    completedAt: now,
    outcome: completion.outcome,
    outcomeEndAt: completion.outcome === null ? 0 : now + completion.outcomeTtlMs,
  };
}
