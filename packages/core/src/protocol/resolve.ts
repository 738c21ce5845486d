// Resolve: a person, or a program that asked the other system, decides about an outcome that nobody knows.
import { completed, lifeEnd, noLease } from './life.js';
import type { Resolve, ResolveAnswer } from './messages.js';
import { blankRecord, isIntent, isLive, removedTtlMs, type StepEntry, type StoredRecord } from './record.js';
import { standing } from './standing.js';
import type { Transition } from './transition.js';

/** Compare-and-set on the fencing token, which it raises: an owner that was only paused finds its lease lost. */
export function resolve(record: StoredRecord | null, request: Resolve, now: number): Transition<ResolveAnswer> {
  if (!isLive(record, now)) return { record, answer: { kind: 'gone', now } };
  const { resolved } = record;
  if (resolved !== null && resolved.fence === request.expectFence && resolved.as === request.as) {
    return { record, answer: { kind: 'ok', now } };
  }
  const abandoned = record.state === 'in_progress' && now >= record.leaseEndAt;
  if ((record.state !== 'unknown' && !abandoned) || record.fence !== request.expectFence) {
    return { record, answer: { kind: 'conflict', standing: standing(record, null, now), now } };
  }
  return { record: decided(record, request, now), answer: { kind: 'ok', now } };
}

function decided(record: StoredRecord, request: Resolve, now: number): StoredRecord {
  const { expectFence, as, by, reason } = request;
  const raised: StoredRecord = {
    ...record,
    fence: Math.max(record.fence + 1, now),
    resolved: { fence: expectFence, as, by, reason },
  };
  if (as === 'done') return completed(raised, request, request, now);
  return {
    ...raised,
    ...noLease,
    state: 'retryable',
    steps: settled(record.steps),
    note: null,
    retryAt: null,
    expiresAt: Math.max(record.expiresAt, lifeEnd(now, false, request)),
  };
}

/** The decision is about every step that was in doubt: the next attempt may run them. */
function settled(steps: ReadonlyMap<string, StepEntry>): ReadonlyMap<string, StepEntry> {
  return new Map([...steps].filter(([, entry]) => !isIntent(entry)));
}

/** Leaves nothing but the fencing token: acquire takes it for absent, every other verb is told `lost`. */
export function remove(record: StoredRecord | null, now: number): StoredRecord | null {
  if (!isLive(record, now)) return record;
  return { ...blankRecord, state: 'removed', fence: record.fence, expiresAt: now + removedTtlMs };
}
