import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { executeIdempotently } from '../../packages/core/src/index.js';
import { failsBefore } from '../../packages/testing/src/index.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  completionOf,
  dayMs,
  hourMs,
  replayedOutcome,
  toLease,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { type CacheTestbed, openCache, openReplayedOnce } from './cache-testbed.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

describe('A completed record', () => {
  test('is asked for once: what the store told is told again, with the times as they are by then', async () => {
    const made = await openReplayedOnce({}, { note: '201' });
    const told = { ...(await made.asked.acquire(made.key, acquireRequest())), outcome: Buffer.from('paid') };
    const before = made.asked.calls.length;
    expect(await made.store.acquire(made.key, acquireRequest())).toEqual(told);
    made.pass(1_500);
    const { now } = told;
    const later = { ...told, now: now + 1_500, outcomeLeftMs: hourMs - 1_500 };
    expect(await made.store.acquire(made.key, acquireRequest())).toEqual(later);
    expect(made.asked.calls).toHaveLength(before);
  });

  test('is fetched also for the process that completed it: of two completions the first stands', async () => {
    const made = openCache();
    const lease = await acquireLease(made);
    await made.store.complete(lease, completionOf('first'));
    await made.store.complete(lease, completionOf('second'));
    expect(await made.again()).toBe(1);
    expect(await replayedOutcome(made)).toBe('first');
  });

  test('is asked for with any other fingerprint, which is a mismatch, and stays kept for its own', async () => {
    const made = await openReplayedOnce();
    const before = made.asked.calls.length;
    expect(await made.store.acquire(made.key, acquireRequest({ fingerprint: 'v1:other' }))).toMatchObject({
      kind: 'key_reused',
    });
    expect(made.asked.calls).toHaveLength(before + 1);
    expect(await made.again()).toBe(0);
  });

  test('that was kept without a fingerprint is not replayed to a request that has one', async () => {
    const made = await openReplayedOnce();
    const without = () => made.asks(() => made.store.acquire(made.key, acquireRequest({ fingerprint: null })));
    expect([await without(), await without(), await made.again()]).toEqual([1, 0, 1]);
  });

  test('is a copy: changing the bytes passed in or out does not change it', async () => {
    const large = Buffer.from('before|paid|after');
    const made = openCache();
    const answer = { ...(await completedAnswer()), outcome: large.subarray(7, 11) };
    made.asked.injectFault('acquire', async () => answer as never);
    expect(await replayedOutcome(made)).toBe('paid');
    large.fill(0);
    for (let round = 0; round < 2; round += 1) {
      expect(await replayedOutcome(made)).toBe('paid');
      const again = await made.store.acquire(made.key, acquireRequest());
      if (again.kind === 'completed') again.outcome.fill(0);
    }
    expect(made.asked.calls).toHaveLength(1);
  });

  test('is replayed while the store does not answer, and everything else is refused', async () => {
    vi.useRealTimers();
    const made = openCache();
    const pay = (key: string) =>
      executeIdempotently(() => 'paid', { store: made.store, scope: 'tests', key, leaseMs: 10_000 });
    await pay('payment-1');
    await pay('payment-1');
    made.asked.injectFault('acquire', failsBefore());
    expect(await pay('payment-1')).toMatchObject({ kind: 'replayed', value: 'paid' });
    await expect(pay('payment-2')).rejects.toMatchObject({ code: 'store_unavailable' });
  });
});

describe('Nothing is kept', () => {
  test('longer than maxAgeMs, however often it is asked for: a removal elsewhere is known by then', async () => {
    const made = await openReplayedOnce({ maxAgeMs: 10_000 });
    await made.asked.inner.remove(made.key);
    made.pass(9_000);
    expect(await made.again()).toBe(0);
    made.pass(999);
    expect(await made.again()).toBe(0);
    made.pass(1);
    assertAcquired(await made.store.acquire(made.key, acquireRequest()));
  });

  test('longer than the outcome: by this process’s clock', async () => {
    const made = await openReplayedOnce({}, { outcomeTtlMs: 5_000 });
    vi.advanceTimersByTime(4_999);
    expect(await made.again()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await made.again()).toBe(1);
  });

  test('longer than the outcome: by the store’s clock, as any answer tells it', async () => {
    const made = await openReplayedOnce({}, { outcomeTtlMs: 5_000 });
    made.advance(5_000);
    await made.store.read('another');
    expect(await made.store.acquire(made.key, acquireRequest())).toMatchObject({ kind: 'expired' });
  });

  test.each([
    { what: 'its age', options: { maxAgeMs: 10_000 }, completion: {} },
    { what: 'the end of the outcome', options: {}, completion: { outcomeTtlMs: 10_000 } },
  ])('for longer because its answer was late: $what counts from the question', async ({ options, completion }) => {
    const made = openCache(options);
    await made.store.complete(await acquireLease(made), completionOf('paid', completion));
    made.asked.injectFault('acquire', async (pass) => {
      const answer = await pass();
      vi.advanceTimersByTime(4_000);
      return answer;
    });
    expect(await made.again()).toBe(1);
    vi.advanceTimersByTime(5_999);
    expect(await made.again()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await made.again()).toBe(1);
  });

  const unsettled: Readonly<Record<string, (made: CacheTestbed) => Promise<unknown>>> = {
    in_progress: acquireLease,
    outcome_unknown: async (made) =>
      await made.store.release(await acquireLease(made), { as: 'unknown', retryAfterMs: null, note: null }),
    expired: async (made) => await made.store.complete(await acquireLease(made), completionOf('', { outcome: null })),
    key_reused: async (made) => await acquireLease(made, { fingerprint: 'v1:other' }),
  };

  test.each(Object.entries(unsettled))('of what is %s: the store is asked each time', async (kind, arrange) => {
    const made = openCache();
    await arrange(made);
    for (let round = 0; round < 2; round += 1) {
      const before = made.asked.calls.length;
      expect(await made.store.acquire(made.key, acquireRequest())).toMatchObject({ kind });
      expect(made.asked.calls).toHaveLength(before + 1);
    }
  });

  test('of steps: a later attempt is told them by the store', async () => {
    const made = openCache();
    const lease = await acquireLease(made);
    await made.store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('c1') });
    await made.store.release(lease, { as: 'retryable' });
    const asked = acquireRequest();
    const next = assertAcquired(await made.store.acquire(made.key, asked));
    expect(next.steps.size).toBe(1);
    await made.store.release(toLease(made.key, asked, next), { as: 'retryable' });
    expect(await made.again()).toBe(1);
  });
});

test('A jump of the store’s clock, told by any answer, is in the answers that follow', async () => {
  const made = await openReplayedOnce();
  made.advance(60_000);
  const { now } = await made.store.read('another');
  made.pass(250);
  const told = { kind: 'completed', now: now + 250, outcomeLeftMs: hourMs - 60_250 };
  expect(await made.store.acquire(made.key, acquireRequest())).toMatchObject(told);
});

async function completedAnswer() {
  const { asked, key } = await openReplayedOnce({}, { outcomeTtlMs: dayMs });
  return await asked.acquire(key, acquireRequest());
}
