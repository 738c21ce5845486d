// What a record says to those who may not run: the same view for acquire, for a lost complete and for a refused resolve.
import type { Standing } from './messages.js';
import type { StoredRecord } from './record.js';

/** One key names one payload for its whole life; null on either side compares nothing. */
export function hasOtherFingerprint(record: StoredRecord, fingerprint: string | null): boolean {
  return record.fingerprint !== null && fingerprint !== null && record.fingerprint !== fingerprint;
}

/** The part of a fingerprint before the first colon names how it was computed. */
function fingerprintVersion(fingerprint: string): string {
  return fingerprint.slice(0, Math.max(0, fingerprint.indexOf(':')));
}

/** What stands in a live record, seen with this fingerprint. */
export function deriveStanding(record: StoredRecord, fingerprint: string | null, now: number): Standing {
  if (record.state !== 'removed' && record.fingerprint !== null && hasOtherFingerprint(record, fingerprint)) {
    return { kind: 'key_reused', version: fingerprintVersion(record.fingerprint) };
  }
  switch (record.state) {
    case 'in_progress':
      return now < record.leaseEndAt ? inProgressStanding(record, now) : abandonedStanding(record);
    case 'unknown':
      return { kind: 'outcome_unknown', retryAfterMs: remainingMs(record.retryAt, now), note: record.note };
    case 'retryable':
    case 'removed':
      return { kind: 'retryable' };
    case 'completed':
      return completedStanding(record, now);
  }
}

const minRetryAfterMs = 1_000;

/**
 * Most work ends within a second, and what has run for long will run for longer: half the age of the attempt, at least a second, and
 * never more than what is left of the lease. The fencing token is the store's time at which the attempt began, or just above it where
 * the key had a token from the future; then the age is underestimated. A clock that stepped back lengthens leases; it must not tell
 * callers to wait longer than a lease lasts.
 */
function inProgressStanding({ fencingToken, leaseEndAt, leaseMs }: StoredRecord, now: number): Standing {
  const ageMs = now - fencingToken;
  const retryAfterMs = Math.max(minRetryAfterMs, Math.floor(ageMs / 2));
  return { kind: 'in_progress', retryAfterMs: Math.min(retryAfterMs, leaseEndAt - now, leaseMs) };
}

function abandonedStanding(record: StoredRecord): Standing {
  return record.guarded ? { kind: 'outcome_unknown', retryAfterMs: null, note: record.note } : { kind: 'retryable' };
}

function completedStanding(record: StoredRecord, now: number): Standing {
  const completedAt = record.completedAt ?? 0;
  if (record.outcome === null || now >= record.outcomeEndAt) {
    return { kind: 'expired', completedAt, note: record.note };
  }
  return {
    kind: 'completed',
    outcome: record.outcome,
    outcomeLeftMs: Math.min(record.outcomeEndAt, record.expiresAt) - now,
    completedAt,
    note: record.note,
    attempt: record.attempt,
    fencingToken: record.fencingToken,
  };
}

function remainingMs(at: number | null, now: number): number | null {
  return at === null ? null : Math.max(0, at - now);
}
