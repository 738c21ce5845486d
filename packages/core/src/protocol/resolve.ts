// Resolve and remove: a person, or a program that asked the other system, decides an unknown outcome or removes a record.
import type { ResolveReply, ResolveRequest } from './messages.js';
import {
  blankRecord,
  isIntent,
  isLive,
  maxDecisions,
  type RecordedDecision,
  restoreWindowMs,
  type StepEntry,
  type StoredRecord,
} from './record.js';
import { completeRecord, noLease } from './record-lifetime.js';
import { deriveStanding } from './standing.js';
import type { Transition } from './transition.js';

/**
 * Compares the fencing token with the expected one, applies the decision and raises the token. The raised token makes an owner that was
 * only paused find its lease lost.
 */
export function resolve(record: StoredRecord | null, request: ResolveRequest, now: number): Transition<ResolveReply> {
  if (!isLive(record, now)) return { record, reply: { kind: 'gone', now } };
  if (isRepeatedDecision(record, request)) return { record, reply: { kind: 'ok', now } };
  const abandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if ((record.state !== 'unknown' && !abandoned) || record.fencingToken !== request.expectedFencingToken) {
    return { record, reply: { kind: 'conflict', standing: deriveStanding(record, null, now), now } };
  }
  return { record: applyDecision(record, request, now), reply: { kind: 'ok', now } };
}

/**
 * Whether this call made the last decision, and nobody has acquired the key since. A call that is sent again has the same words; the same
 * decision of another person has not, and that person must see who was first.
 */
function isRepeatedDecision(
  { decisions, fencingToken }: StoredRecord,
  { expectedFencingToken, as, by, reason }: ResolveRequest,
): boolean {
  const last = decisions.at(-1);
  return (
    last !== undefined &&
    last.fencingToken === expectedFencingToken &&
    last.as === as &&
    last.by === by &&
    last.reason === reason &&
    fencingToken === raiseFencingToken(last.fencingToken, last.at)
  );
}

/** The fencing token of the record after a decision. */
function raiseFencingToken(fencingToken: number, now: number): number {
  return Math.max(fencingToken + 1, now);
}

function applyDecision(before: StoredRecord, request: ResolveRequest, now: number): StoredRecord {
  const { as, by, reason, outcome, note } = request;
  const decision: RecordedDecision = { fencingToken: before.fencingToken, as, by, reason, at: now };
  const record: StoredRecord = {
    ...before,
    fencingToken: raiseFencingToken(before.fencingToken, now),
    decisions: [...before.decisions, decision].slice(-maxDecisions),
  };
  const outcomeTtlMs = Math.max(record.outcomeTtlMs, request.outcomeTtlMs ?? 0);
  const recordTtlMs = Math.max(record.recordTtlMs, request.recordTtlMs ?? 0, outcomeTtlMs);
  if (as === 'done') return completeRecord(record, recordTtlMs, { outcome, outcomeTtlMs, note }, now, record.expiresAt);
  return {
    ...record,
    ...noLease,
    state: 'retryable',
    steps: dropIntents(record.steps),
    note: null,
    retryAt: null,
    expiresAt: Math.max(record.expiresAt, now + recordTtlMs),
  };
}

/** The decision covers every step that was in doubt, so the next attempt may run these steps. */
function dropIntents(steps: ReadonlyMap<string, StepEntry>): ReadonlyMap<string, StepEntry> {
  return new Map([...steps].filter(([, entry]) => !isIntent(entry)));
}

/**
 * Keeps nothing but the fencing token, for as long as a late message of the owner could restore the record. `acquire` treats the record
 * as absent; `resolve` replies `conflict`, and every other operation replies `lost`.
 */
export function remove(record: StoredRecord | null, now: number): StoredRecord | null {
  if (!isLive(record, now)) return record;
  const expiresAt = Math.max(now, record.leaseEndAt) + restoreWindowMs;
  return { ...blankRecord, state: 'removed', fencingToken: record.fencingToken, expiresAt };
}
