// Whether an attempt in a transaction may run, and the record that it leaves. The protocol decides as for a lease; that the record is in progress is never written.
import { StoreError } from '../errors.js';
import { acquire } from '../protocol/acquire.js';
import type { Lease } from '../protocol/messages.js';
import { complete } from '../protocol/owner-operations.js';
import { attemptFacts, isLive, type StoredRecord } from '../protocol/record.js';
import { deriveStanding } from '../protocol/standing.js';
import type { ClaimedRecord, FoundRecord } from '../store/transaction-port.js';
import type { NotAcquired } from './acquisition.js';
import { addOutcomeChecksum } from './checksum.js';
import { type ExecutionRequest, recordRetention, type Settlement, scopeDigest } from './execution.js';

/** The attempt may run, and its record is to be completed by `complete` with this lease. */
export interface Granted {
  readonly kind: 'granted';
  readonly lease: Lease;
  /** The record of the attempt in progress. */
  readonly record: StoredRecord;
}

/** Nobody can tell when a transaction will end. */
const lookAgainMs = 1_000;

/** Another transaction has claimed the key. */
export const busy: NotAcquired = Object.freeze({ kind: 'in_progress', retryAfterMs: lookAgainMs });

export function grant(
  request: ExecutionRequest,
  { now, record: before, isAlone }: ClaimedRecord,
  ownerToken: string,
  lastSeenFencingToken: number,
): Granted | NotAcquired {
  const { fingerprint, policy, recordName, operation, label, traceparent } = request;
  const retention = recordRetention(policy);
  const { record, reply } = acquire(
    before,
    {
      ownerToken,
      fingerprint,
      leaseMs: policy.maxExecutionMs,
      onAbandoned: policy.onAbandoned,
      notAfter: Number.MAX_SAFE_INTEGER,
      lastSeenFencingToken,
      scope: scopeDigest(request),
      operation,
      label,
      traceparent,
      ...retention,
    },
    now,
  );
  if (reply.kind === 'superseded') return busy;
  if (reply.kind !== 'acquired') return reply;
  if (!isAlone || record === null) return busy;
  const lease = {
    key: recordName,
    ownerToken,
    fingerprint,
    ...attemptFacts(record),
    leaseEndAt: record.leaseEndAt,
    ...retention,
  };
  return { kind: 'granted', lease, record };
}

export type Completed = Settlement & { as: 'done' };

/** The record that the commit keeps. */
export function completeRecord(
  { recordName, policy }: ExecutionRequest,
  { lease, record }: Granted,
  { outcome, note }: Completed,
  now: number,
): StoredRecord {
  const completion = {
    outcome: outcome && addOutcomeChecksum(recordName, outcome),
    outcomeTtlMs: policy.ttlMs,
    note,
    notAfter: Number.MAX_SAFE_INTEGER,
  };
  const { record: next } = complete(record, lease, completion, now);
  if (next === null) throw new StoreError('bug', 'The record of an attempt in progress could not be completed.');
  return next;
}

/** What the record says to a caller that may not run, as far as it says so. Null: the next caller may run. */
export function standingOf({ fingerprint }: ExecutionRequest, { now, record }: FoundRecord): NotAcquired | null {
  if (!isLive(record, now)) return null;
  const standing = deriveStanding(record, fingerprint, now);
  return standing.kind === 'retryable' ? null : standing;
}
