// Resolve: a person, or a program that asked the other system, decides about an outcome that nobody knows.
import { completed, noLease } from './life.js';
import type { Resolve, ResolveAnswer } from './messages.js';
import {
  blankRecord,
  isIntent,
  isLive,
  maxDecisions,
  type Resolution,
  restoreTtlMs,
  type StepEntry,
  type StoredRecord,
} from './record.js';
import { standing } from './standing.js';
import type { Transition } from './transition.js';

/** Compare-and-set on the fencing token, which it raises: an owner that was only paused finds its lease lost. */
export function resolve(record: StoredRecord | null, request: Resolve, now: number): Transition<ResolveAnswer> {
  if (!isLive(record, now)) return { record, answer: { kind: 'gone', now } };
  if (isRepeated(record, request)) return { record, answer: { kind: 'ok', now } };
  const abandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if ((record.state !== 'unknown' && !abandoned) || record.fence !== request.expectFence) {
    return { record, answer: { kind: 'conflict', standing: standing(record, null, now), now } };
  }
  return { record: decided(record, request, now), answer: { kind: 'ok', now } };
}

/** The last decision was the same, and nobody has acquired since. */
function isRepeated({ decisions, fence }: StoredRecord, { expectFence, as }: Resolve): boolean {
  const last = decisions.at(-1);
  return last !== undefined && last.fence === expectFence && last.as === as && fence === raised(last.fence, last.at);
}

/** The fencing token that a decision leaves. */
function raised(fence: number, now: number): number {
  return Math.max(fence + 1, now);
}

function decided(before: StoredRecord, request: Resolve, now: number): StoredRecord {
  const { as, by, reason, outcome, note } = request;
  const decision: Resolution = { fence: before.fence, as, by, reason, at: now };
  const record: StoredRecord = {
    ...before,
    fence: raised(before.fence, now),
    decisions: [...before.decisions, decision].slice(-maxDecisions),
  };
  const outcomeTtlMs = Math.max(record.outcomeTtlMs, request.outcomeTtlMs ?? 0);
  const recordTtlMs = Math.max(record.recordTtlMs, request.recordTtlMs ?? 0, outcomeTtlMs);
  if (as === 'done') return completed(record, recordTtlMs, { outcome, outcomeTtlMs, note }, now, record.expiresAt);
  return {
    ...record,
    ...noLease,
    state: 'retryable',
    steps: settled(record.steps),
    note: null,
    retryAt: null,
    expiresAt: Math.max(record.expiresAt, now + recordTtlMs),
  };
}

/** The decision is about every step that was in doubt: the next attempt may run them. */
function settled(steps: ReadonlyMap<string, StepEntry>): ReadonlyMap<string, StepEntry> {
  return new Map([...steps].filter(([, entry]) => !isIntent(entry)));
}

/**
 * Leaves nothing but the fencing token, as long as a late message of its owner could write the record anew. Acquire takes the
 * record for absent; every other verb is told `lost`.
 */
export function remove(record: StoredRecord | null, now: number): StoredRecord | null {
  if (!isLive(record, now)) return record;
  const expiresAt = Math.max(now, record.leaseEndAt) + restoreTtlMs;
  return { ...blankRecord, state: 'removed', fence: record.fence, expiresAt };
}
