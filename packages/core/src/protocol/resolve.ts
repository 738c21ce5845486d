// Resolve: a person, or a program that asked the other system, decides about an outcome that nobody knows.

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

/** Compare-and-set on the fencing token, which it raises: an owner that was only paused finds its lease lost. */
export function resolve(record: StoredRecord | null, request: ResolveRequest, now: number): Transition<ResolveReply> {
  if (!isLive(record, now)) return { record, reply: { kind: 'gone', now } };
  if (isRepeatedDecision(record, request)) return { record, reply: { kind: 'ok', now } };
  const abandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if ((record.state !== 'unknown' && !abandoned) || record.fencingToken !== request.expectedFencingToken) {
    return { record, reply: { kind: 'conflict', standing: deriveStanding(record, null, now), now } };
  }
  return { record: applyDecision(record, request, now), reply: { kind: 'ok', now } };
}

/** The last decision was the same, and nobody has acquired since. */
function isRepeatedDecision(
  { decisions, fencingToken }: StoredRecord,
  { expectedFencingToken, as }: ResolveRequest,
): boolean {
  const last = decisions.at(-1);
  return (
    last !== undefined &&
    last.fencingToken === expectedFencingToken &&
    last.as === as &&
    fencingToken === raiseFencingToken(last.fencingToken, last.at)
  );
}

/** The fencing token that a decision leaves. */
function raiseFencingToken(fence: number, now: number): number {
  return Math.max(fence + 1, now);
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

/** The decision is about every step that was in doubt: the next attempt may run them. */
function dropIntents(steps: ReadonlyMap<string, StepEntry>): ReadonlyMap<string, StepEntry> {
  return new Map([...steps].filter(([, entry]) => !isIntent(entry)));
}

/**
 * Leaves nothing but the fencing token, as long as a late message of its owner could write the record anew. Acquire takes the
 * record for absent; every other verb is told `lost`.
 */
export function remove(record: StoredRecord | null, now: number): StoredRecord | null {
  if (!isLive(record, now)) return record;
  const expiresAt = Math.max(now, record.leaseEndAt) + restoreWindowMs;
  return { ...blankRecord, state: 'removed', fencingToken: record.fencingToken, expiresAt };
}
