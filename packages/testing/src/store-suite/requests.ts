// What the tests of the contract ask for, and how they look at the answers.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { StoreError } from '@onceguard/core';
import type {
  AcquireAnswer,
  Acquired,
  AcquireRequest,
  Completion,
  Lease,
  ReadAnswer,
  Resolve,
} from '@onceguard/core/store';
import type { Bench } from './contract.js';

export const hourMs = 3_600_000;
export const minuteMs = 60_000;
export const dayMs = 24 * hourMs;
/** Short enough to be waited for, on a clock that cannot be moved. */
export const briefMs = 40;
/** A time that no clock reaches. */
const never = 1e14;
const terms = Object.freeze({ recordTtlMs: dayMs, outcomeTtlMs: hourMs, unknownTtlMs: 400 * dayMs });

export function request(overrides: Partial<AcquireRequest> = {}): AcquireRequest {
  const fixed = {
    fingerprint: 'v1:payment',
    leaseMs: hourMs,
    onAbandoned: 'rerun',
    notAfter: never,
    fenceSeen: 0,
  } as const;
  const asked = { ...terms, token: randomUUID(), ...fixed, ...overrides };
  return { ...asked, outcomeTtlMs: overrides.outcomeTtlMs ?? Math.min(hourMs, asked.recordTtlMs) };
}

/** Acquires, and fails the test if somebody else may run. */
export async function own(
  { store, key }: Pick<Bench, 'store' | 'key'>,
  overrides: Partial<AcquireRequest> = {},
): Promise<Lease> {
  const asked = request(overrides);
  return leaseOf(key, asked, granted(await store.acquire(key, asked)));
}

/** Acquires with a lease of milliseconds, and waits until it is over. */
export async function abandon(bench: Bench, overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
  const lease = await own(bench, { leaseMs: briefMs, ...overrides });
  await bench.reach(lease.leaseEndAt);
  return lease;
}

export function granted(answer: AcquireAnswer): Acquired & { readonly now: number } {
  assert.ok(answer.kind === 'acquired', `acquired, and not ${answer.kind}`);
  return answer;
}

export function leaseOf(key: string, asked: AcquireRequest, answer: Acquired): Lease {
  const { attempt, fence, takeover, recovering, guarded, bound, leaseEndAt } = answer;
  const { token, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs } = asked;
  const facts = { attempt, fence, takeover, recovering, guarded, bound, leaseEndAt };
  return { key, token, fingerprint, recordTtlMs, outcomeTtlMs, unknownTtlMs, ...facts };
}

/** A lease as its owner holds it after the store lost the record, or kept an older copy. */
export async function leaseOnLostRecord({ store, key }: Bench, overrides: Partial<Lease> = {}): Promise<Lease> {
  const { now } = await store.read(key);
  const { token, fingerprint } = request();
  const flags = { takeover: true, recovering: false, guarded: false, bound: true };
  const facts = { attempt: 3, fence: now + dayMs, ...flags };
  return { key, token, fingerprint, ...terms, ...facts, leaseEndAt: now + hourMs, ...overrides };
}

export function completionOf(text: string, overrides: Partial<Completion> = {}): Completion {
  return { outcome: Buffer.from(text), outcomeTtlMs: hourMs, note: null, notAfter: never, ...overrides };
}

export function decision(expectFence: number, overrides: Partial<Resolve> = {}): Resolve {
  const said = { outcome: null, note: null, by: 'ops', reason: 'asked the bank' };
  return { recordTtlMs: null, outcomeTtlMs: null, expectFence, as: 'not_done', ...said, ...overrides };
}

/** The outcome that a repeat gets, as text. */
export async function replayed({ store, key }: Pick<Bench, 'store' | 'key'>): Promise<string> {
  const answer = await store.acquire(key, request());
  assert.ok(answer.kind === 'completed', `completed, and not ${answer.kind}`);
  return Buffer.from(answer.outcome).toString();
}

/** An answer without its time. */
export function said<Answer extends { readonly now: number }>(answer: Answer): Omit<Answer, 'now'> {
  assert.ok(Number.isSafeInteger(answer.now) && answer.now > 0, `now is ${answer.now}`);
  const { now: _, ...rest } = answer;
  return rest;
}

export async function recordOf({
  store,
  key,
}: Pick<Bench, 'store' | 'key'>): Promise<NonNullable<ReadAnswer['record']>> {
  const { record } = await store.read(key);
  assert.ok(record !== null, 'there is a record');
  return record;
}

/** Fails the test if what is done changes the record. */
export async function changesNothing<Answer extends Promise<unknown>>(
  bench: Pick<Bench, 'store' | 'key'>,
  act: () => Answer,
): Promise<Awaited<Answer>> {
  const { record: before } = await bench.store.read(bench.key);
  const answer = await act();
  assert.deepEqual((await bench.store.read(bench.key)).record, before);
  return answer;
}

export async function refusedAsBug(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => error instanceof StoreError && error.class === 'bug');
}
