// Derives a record's standing, the view for callers that may not run. `acquire`, a lost `complete` and a rejected `resolve` share it.
import type { Standing } from './messages.js';
import type { StoredRecord } from './record.js';

/** A key belongs to one payload for the lifetime of its record. A fingerprint of null, on either side, is not compared. */
export function hasOtherFingerprint(record: StoredRecord, fingerprint: string | null): boolean {
  return record.fingerprint !== null && fingerprint !== null && record.fingerprint !== fingerprint;
}

/** The part of a fingerprint before the first colon names how it was computed. */
function fingerprintVersion(fingerprint: string): string {
  return fingerprint.slice(0, Math.max(0, fingerprint.indexOf(':')));
}

/** The standing of a live record for a caller with this fingerprint. */
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
 * Suggests half the age of the attempt, at least a second and at most the rest of the lease. Most work ends within a second, and work
 * that has run for long will probably run for longer. The fencing token is the store's time at which the attempt began. If the key had
 * a token from the future, the token is just above that one, and the age is underestimated. A clock that stepped back makes the rest of
 * a lease longer than the lease itself; callers are still told to wait for `leaseMs` at most.
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
    traceparent: record.traceparent,
  };
}

function remainingMs(at: number | null, now: number): number | null {
  return at === null ? null : Math.max(0, at - now);
}
