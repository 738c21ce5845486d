// Store calls that outlive their request are retried until the store replies, within limits.
import { drainStore, executeIdempotently, onEvent, StoreError } from '@onceguard/core';
import { type FaultStore, failsBefore, hangs } from '@onceguard/testing';
import { describe, expect, it, vi } from 'vitest';
import { RetryQueue, type RetryTask } from '../../packages/core/src/engine/retry-queue.js';
import { StoreClient } from '../../packages/core/src/engine/store-client.js';
import { executeIdempotently as executeFromSource } from '../../packages/core/src/functions/execute-idempotently.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, memoryTestbed, onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const neverAnswers = () => new Promise<never>(() => {});

const pay = (store: FaultStore) => executeIdempotently(() => 'paid', { store, scope: 'tests', key: 'payment-1' });

onEveryStore('A result that the store could not take', (open) => {
  it('is recorded in the background as soon as the store answers, and drain waits for it', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('complete', failsBefore());
    const late: object[] = [];
    const stop = onEvent('recorded_late', (event) => late.push(event));
    expect(await summarize(pay(store))).toBe('paid, unrecorded');
    expect(await drainStore(store, { timeoutMs: 20 })).toBe(false);
    store.clearFaults();
    expect(await stateAfterDrain(store)).toBe('completed');
    stop();
    expect(late).toEqual([
      {
        store: store.name,
        recordName: store.calls[0]?.key,
        operation: 'function',
        attempt: 1,
        kind: 'recorded',
        reason: null,
      },
    ]);
  });
});

it('drain has nothing to wait for at a store that took everything', async () => {
  const { store } = memoryTestbed();
  await pay(store);
  expect(await drainStore(store)).toBe(true);
});

it('Thousands of queued releases leave room for completions', async () => {
  const { store } = memoryTestbed();
  const { releaseQueue } = StoreClient.forStore(store);
  for (let count = 0; count < 10_000; count += 1)
    void releaseQueue.add({ bytes: 0, onGivenUp: () => {}, tryOnce: neverAnswers });
  store.injectFault('complete', hangs, 1);
  expect(await summarize(executeFromSource(() => 'paid', { store, scope: 'tests', key: 'payment-1' }))).toBe(
    'paid, unrecorded',
  );
  await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.state).toBe('completed');
});

describe('The background', () => {
  const task = (tryOnce: RetryTask['tryOnce'], bytes = 0) => ({ bytes, tryOnce, onGivenUp: vi.fn() });
  const silent = () => Promise.reject(new StoreError('unknown', 'silence'));

  it('begins at once, and tells when it has tried once', async () => {
    const once = task(vi.fn(async () => true));
    await new RetryQueue().add(once);
    expect(once.tryOnce).toHaveBeenCalledTimes(1);
  });

  it('repeats a task until it is done, with longer and longer pauses', async () => {
    // A busy machine lengthens pauses, and the first as much as the last.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const background = new RetryQueue();
      const at: number[] = [];
      await background.add(
        task(async () => {
          at.push(performance.now());
          return at.length === 5;
        }),
      );
      const drained = background.drain(10_000);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(await drained).toBe(true);
      const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
      expect(pauses).toHaveLength(4);
      expect(pauses[3]).toBeGreaterThan(pauses[0] ?? 0);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(['unavailable', 'unknown', 'misconfigured', 'damaged', 'bug'] as const)(
    'repeats what the store refuses with the class %s',
    async (storeClass) => {
      const background = new RetryQueue();
      let tries = 0;
      const one = task(async () => {
        tries += 1;
        if (tries < 3) throw new StoreError(storeClass, 'not now');
        return true;
      });
      await background.add(one);
      expect(await background.drain(10_000)).toBe(true);
      expect(tries).toBe(3);
      expect(one.onGivenUp).not.toHaveBeenCalled();
    },
  );

  it('takes 64 MiB of results at most, and says what it did not take', async () => {
    const background = new RetryQueue();
    const [large, next] = [task(silent, 64 * 2 ** 20), task(silent, 1)];
    await background.add(large);
    await background.add(next);
    expect(large.onGivenUp).not.toHaveBeenCalled();
    expect(next.onGivenUp).toHaveBeenCalledWith(expect.stringContaining('too much'));
  });

  it('takes 10 000 tasks at most', async () => {
    const background = new RetryQueue();
    const tasks = Array.from({ length: 10_001 }, () => task(neverAnswers));
    for (const one of tasks) void background.add(one);
    expect(tasks.filter(({ onGivenUp }) => onGivenUp.mock.calls.length > 0)).toEqual([tasks.at(-1)]);
  });

  it('gives a task up after an hour', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
    try {
      const background = new RetryQueue();
      const hopeless = task(vi.fn(silent));
      await background.add(hopeless);
      await vi.advanceTimersByTimeAsync(3_500_000);
      expect(hopeless.onGivenUp).not.toHaveBeenCalled();
      await vi.advanceTimersByTimeAsync(110_000);
      expect(hopeless.onGivenUp).toHaveBeenCalledWith(expect.stringContaining('an hour'));
      const tries = vi.mocked(hopeless.tryOnce).mock.calls.length;
      await vi.advanceTimersByTimeAsync(60_000);
      expect(hopeless.tryOnce).toHaveBeenCalledTimes(tries);
    } finally {
      vi.useRealTimers();
    }
  });
});
