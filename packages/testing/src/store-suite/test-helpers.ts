// What the tests of the contract ask for, and how they look at the answers.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { StoreError } from '@onceguard/core';
import type {
  Acquired,
  AcquireReply,
  AcquireRequest,
  Completion,
  Lease,
  ReadReply,
  ResolveRequest,
} from '@onceguard/core/store';
import type { StoreTestContext } from './suite-context.js';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const dayMs = 24 * hourMs;
/** Short enough to be waited for, on a clock that cannot be moved. */
export const briefMs = 40;
/** A time that no clock reaches. */
const farFuture = 1e14;
const retention = Object.freeze({ recordTtlMs: dayMs, outcomeTtlMs: hourMs, unknownTtlMs: 400 * dayMs });

export function acquireRequest(overrides: Partial<AcquireRequest> = {}): AcquireRequest {
  const fixed = {
    fingerprint: 'v1:payment',
    leaseMs: hourMs,
    onAbandoned: 'rerun',
    notAfter: farFuture,
    lastSeenFencingToken: 0,
  } as const;
  const asked = { ...retention, ownerToken: randomUUID(), ...fixed, ...overrides };
  return { ...asked, outcomeTtlMs: overrides.outcomeTtlMs ?? Math.min(hourMs, asked.recordTtlMs) };
}

/** Acquires, and fails the test if somebody else may run. */
export async function acquireLease(
  { store, key }: Pick<StoreTestContext, 'store' | 'key'>,
  overrides: Partial<AcquireRequest> = {},
): Promise<Lease> {
  const asked = acquireRequest(overrides);
  return toLease(key, asked, assertAcquired(await store.acquire(key, asked)));
}

/** Acquires with a lease of milliseconds, and waits until it is over. */
export async function acquireAbandonedLease(
  bench: StoreTestContext,
  overrides: Partial<AcquireRequest> = {},
): Promise<Lease> {
  const lease = await acquireLease(bench, { leaseMs: briefMs, ...overrides });
  await bench.waitForStoreTime(lease.leaseEndAt);
  return lease;
}

export function assertAcquired(answer: AcquireReply): Acquired & { readonly now: number } {
  assert.ok(answer.kind === 'acquired', `acquired, and not ${answer.kind}`);
  return answer;
}

export function toLease(key: string, asked: AcquireRequest, answer: Acquired): Lease {
  const { attempt, fencingToken, takeover, recovering, guarded, fingerprintBound, leaseEndAt } = answer;
  const { ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = asked;
  const facts = { attempt, fencingToken, takeover, recovering, guarded, fingerprintBound, leaseEndAt };
  return { key, ownerToken, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs, ...facts };
}

/** A lease as its owner holds it after the store lost the record, or kept an older copy. */
export async function leaseOnLostRecord(
  { store, key }: StoreTestContext,
  overrides: Partial<Lease> = {},
): Promise<Lease> {
  const { now } = await store.read(key);
  const { ownerToken, fingerprint } = acquireRequest();
  const flags = { takeover: true, recovering: false, guarded: false, fingerprintBound: true };
  const facts = { attempt: 3, fencingToken: now + dayMs, ...flags };
  return { key, ownerToken, fingerprint, ...retention, ...facts, leaseEndAt: now + hourMs, ...overrides };
}

export function completionOf(text: string, overrides: Partial<Completion> = {}): Completion {
  return { outcome: Buffer.from(text), outcomeTtlMs: hourMs, note: null, notAfter: farFuture, ...overrides };
}

export function resolveRequest(expectedFencingToken: number, overrides: Partial<ResolveRequest> = {}): ResolveRequest {
  const said = { outcome: null, note: null, by: 'ops', reason: 'asked the bank' };
  return { recordTtlMs: null, outcomeTtlMs: null, expectedFencingToken, as: 'not_done', ...said, ...overrides };
}

/** The outcome that a repeat gets, as text. */
export async function replayedOutcome({ store, key }: Pick<StoreTestContext, 'store' | 'key'>): Promise<string> {
  const answer = await store.acquire(key, acquireRequest());
  assert.ok(answer.kind === 'completed', `completed, and not ${answer.kind}`);
  return Buffer.from(answer.outcome).toString();
}

/** An answer without its time. */
export function withoutNow<Answer extends { readonly now: number }>(answer: Answer): Omit<Answer, 'now'> {
  assert.ok(Number.isSafeInteger(answer.now) && answer.now > 0, `now is ${answer.now}`);
  const { now: _, ...rest } = answer;
  return rest;
}

export async function readRecord({
  store,
  key,
}: Pick<StoreTestContext, 'store' | 'key'>): Promise<NonNullable<ReadReply['record']>> {
  const { record } = await store.read(key);
  assert.ok(record !== null, 'there is a record');
  return record;
}

/** Fails the test if what is done changes the record. */
export async function assertRecordUnchanged<Answer extends Promise<unknown>>(
  bench: Pick<StoreTestContext, 'store' | 'key'>,
  act: () => Answer,
): Promise<Awaited<Answer>> {
  const { record: before } = await bench.store.read(bench.key);
  const answer = await act();
  assert.deepEqual((await bench.store.read(bench.key)).record, before);
  return answer;
}

export async function assertRefusedAsBug(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => error instanceof StoreError && error.class === 'bug');
}
