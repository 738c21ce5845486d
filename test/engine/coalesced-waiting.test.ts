// Duplicates that wait in one process share one wait: one of them polls, all get the reply, and an attempt that ends in this process
// wakes them.
import { type ExecuteOptions, executeIdempotently, type OperationContext } from '@onceguard/core';
import { type FaultStore, runFirst } from '@onceguard/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { digest } from '../../packages/core/src/digest.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { summarize } from './execution-summary.js';
import { acquireLease, completionFor } from './rival-owner.js';
import { memoryTestbed, onEveryStore } from './store-testbed.js';

const name = digest(['onceguard function 1', 'tests', 'payment-1']);
const unreachableOperation = () => expect.unreachable('A duplicate ran.');

function pay(
  store: FaultStore,
  operation: (context: OperationContext) => unknown,
  options: Partial<ExecuteOptions<unknown>> = {},
): Promise<string> {
  return summarize(executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', ...options }));
}

const callAndWait = (
  store: FaultStore,
  operation: () => unknown = unreachableOperation,
  options: Partial<ExecuteOptions<unknown>> = {},
) => pay(store, operation, { onInProgress: { waitMs: 30_000 }, ...options });

/** Starts another caller, and resolves when the store has replied to it that an attempt is in progress. */
async function startWaiter(
  store: FaultStore,
  ...more: [operation?: () => unknown, options?: Partial<ExecuteOptions<unknown>>]
) {
  const callsBefore = store.callsOf('acquire').length;
  const end = callAndWait(store, ...more);
  await store.waitForCalls('acquire', callsBefore + 1);
  // Takes as long as the reply to the caller, which this test cannot observe.
  await store.inner.read(name);
  await nextLoopTurn();
  return { end, ownerToken: store.callsOf('acquire')[callsBefore]?.ownerToken };
}

/** Starts an attempt in this process, which works until `end` is called. */
async function startAttempt(
  store: FaultStore,
  end: () => unknown = () => 'paid',
  options: Partial<ExecuteOptions<unknown>> = {},
) {
  const [begun, gate] = [newGate(), newGate()];
  const operation = async () => {
    begun.open();
    await gate.opened;
    return end();
  };
  const result = pay(store, operation, options);
  await begun.opened;
  return { result, end: gate.open };
}

const nextLoopTurn = async () => await new Promise<void>((resolve) => setImmediate(resolve));

const throwDeclined = () => {
  throw new Error('declined');
};

function acquireCallsByToken(store: FaultStore): number[] {
  const counts = new Map<string | undefined, number>();
  for (const { ownerToken } of store.callsOf('acquire')) counts.set(ownerToken, (counts.get(ownerToken) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}

const arrayOfOnes = (count: number) => Array.from({ length: count }, () => 1);

onEveryStore('Of duplicates that wait in one process', (open) => {
  it('one waiter polls, and all get its reply', async () => {
    const { store } = open();
    const elsewhere = await acquireLease(store.inner, name);
    const others = Array.from({ length: 20 }, () => callAndWait(store));
    await store.waitForCalls('acquire', 24);
    await store.inner.complete(elsewhere, completionFor(elsewhere));
    expect(await Promise.all(others)).toEqual(Array(20).fill('of the second, replayed'));
    const [looks, ...rest] = acquireCallsByToken(store);
    expect(rest).toEqual(arrayOfOnes(19));
    expect(looks).toBeGreaterThanOrEqual(5);
  });

  it('one is granted the work that an attempt elsewhere gave up, and the others get its outcome', async () => {
    const { store } = open();
    const elsewhere = await acquireLease(store.inner, name);
    let runs = 0;
    const run = () => `run ${++runs}`;
    const others = Array.from({ length: 10 }, () => callAndWait(store, run));
    await store.waitForCalls('acquire', 12);
    await store.inner.release(elsewhere, { as: 'retryable' });
    expect((await Promise.all(others)).sort()).toEqual(['run 1, recorded', ...Array(9).fill('run 1, replayed')]);
  });

  it('when the polling waiter times out, another one polls', async () => {
    const { store } = open();
    const elsewhere = await acquireLease(store.inner, name);
    const first = await startWaiter(store, unreachableOperation, { onInProgress: { waitMs: 100 } });
    const second = await startWaiter(store);
    expect(await first.end).toBe('in_progress');
    await store.inner.complete(elsewhere, completionFor(elsewhere));
    expect(await second.end).toBe('of the second, replayed');
  });

  it('each waits for its own waitMs, then polls once for itself', async () => {
    const { store } = open();
    const elsewhere = await acquireLease(store.inner, name);
    const first = await startWaiter(store);
    const second = await startWaiter(store, unreachableOperation, { onInProgress: { waitMs: 20 } });
    expect(await Promise.race([first.end, second.end])).toBe('in_progress');
    expect(store.callsOf('acquire').filter(({ ownerToken }) => ownerToken === second.ownerToken)).toHaveLength(2);
    await store.inner.complete(elsewhere, completionFor(elsewhere));
    expect(await first.end).toBe('of the second, replayed');
  });

  it('the next to come looks for itself when nobody waits any more', async () => {
    const { store } = open();
    const elsewhere = await acquireLease(store.inner, name);
    expect(await callAndWait(store, unreachableOperation, { onInProgress: { waitMs: 10 } })).toBe('in_progress');
    const next = await startWaiter(store);
    await store.inner.complete(elsewhere, completionFor(elsewhere));
    expect(await next.end).toBe('of the second, replayed');
  });
});

onEveryStore('What one of them is told holds only for those like it:', (open) => {
  it('another payload is key_reused for those who sent it', async () => {
    const { store } = open();
    const first = await startAttempt(store, throwDeclined);
    const [one, other] = [{ fingerprint: 1 }, { fingerprint: 2 }];
    const waiters = [one, one, one, other, other, other].map((options) => callAndWait(store, () => 'paid', options));
    await store.waitForCalls('acquire', 7);
    first.end();
    const ends = ['key_reused', 'key_reused', 'key_reused', 'paid, recorded', 'paid, replayed', 'paid, replayed'];
    expect((await Promise.all(waiters)).sort()).toEqual(ends);
  });

  it('with another payload than the one at work, a caller is told at once', async () => {
    const { store } = open();
    const first = await startAttempt(store, undefined, { fingerprint: 1 });
    const other = await startWaiter(store, unreachableOperation, { fingerprint: 1 });
    expect(await callAndWait(store, unreachableOperation, { fingerprint: 2 })).toBe('key_reused');
    first.end();
    expect(await other.end).toBe('paid, replayed');
  });

  it('an unknown outcome is for one that recovers to find out', async () => {
    const { store } = open();
    const first = await startAttempt(store, throwDeclined, { onFailure: 'unknown' });
    const blocked = await startWaiter(store, unreachableOperation, { onAbandoned: 'block' });
    const recovering = await startWaiter(store, unreachableOperation, {
      onAbandoned: () => ({ found: 'done', result: 'found' }),
    });
    first.end();
    expect(await recovering.end).toBe('found, recorded');
    // Depends on which of the two polled first.
    expect(['outcome_unknown', 'found, replayed']).toContain(await blocked.end);
  });

  it('an overtaken owner does not run again, and does not block a waiter that may', async () => {
    const { store } = open();
    const first = await startAttempt(store, undefined, { onInProgress: { waitMs: 30_000 } });
    await store.inner.remove(name);
    const elsewhere = await acquireLease(store.inner, name);
    first.end();
    await store.waitForCalls('complete', 1);
    const asked = store.callsOf('acquire').length;
    await store.waitForCalls('acquire', asked + 2);
    const duplicate = await startWaiter(store, () => 'paid by the duplicate');
    await store.inner.release(elsewhere, { as: 'retryable' });
    expect(await duplicate.end).toBe('paid by the duplicate, recorded');
    expect(await first.result).toBe('paid by the duplicate, replayed');
  });
});

describe('The end of an attempt in this process is heard of without another pause', () => {
  afterEach(() => void vi.useRealTimers());

  /** From here on a pause ends only when the test advances the time. */
  const stopTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

  it('by all that wait, when it is recorded', async () => {
    const { store } = memoryTestbed();
    const first = await startAttempt(store);
    stopTime();
    const others = [await startWaiter(store), await startWaiter(store), await startWaiter(store)];
    first.end();
    expect(await Promise.all(others.map(({ end }) => end))).toEqual(Array(3).fill('paid, replayed'));
    expect(acquireCallsByToken(store)).toEqual([2, 1, 1, 1]);
  });

  it('when it frees the key: one runs, the others pause again, and hear of its end', async () => {
    const { store } = memoryTestbed();
    const first = await startAttempt(store, throwDeclined);
    stopTime();
    const gate = newGate();
    const others = [await startWaiter(store, () => gate.opened), await startWaiter(store), await startWaiter(store)];
    store.injectFault('acquire', runFirst(nextLoopTurn));
    first.end();
    for (let turns = 0; turns < 10; turns += 1) await nextLoopTurn();
    expect(acquireCallsByToken(store)).toEqual([2, 1, 1, 1]);
    gate.open();
    const replays = Array(2).fill('undefined, replayed');
    expect(await Promise.all(others.map(({ end }) => end))).toEqual(['undefined, recorded', ...replays]);
  });

  it('also by a waiter whose poll was under way when the attempt ended: it polls again at once', async () => {
    const { store } = memoryTestbed();
    const first = await startAttempt(store);
    stopTime();
    const [looked, gate] = [newGate(), newGate()];
    store.injectFault(
      'acquire',
      async (pass) => {
        const answer = await pass();
        looked.open();
        await gate.opened;
        return answer;
      },
      4,
    );
    const others = [await startWaiter(store), await startWaiter(store)];
    await vi.advanceTimersByTimeAsync(20);
    await looked.opened;
    first.end();
    expect(await first.result).toBe('paid, recorded');
    gate.open();
    expect(await Promise.all(others.map(({ end }) => end))).toEqual(Array(2).fill('paid, replayed'));
  });

  it('by nobody else: an attempt under another key wakes none of them', async () => {
    const { store } = memoryTestbed();
    const first = await startAttempt(store);
    stopTime();
    const other = await startWaiter(store);
    const asked = store.callsOf('acquire').length;
    expect(await pay(store, () => 'done', { key: 'payment-2' })).toBe('done, recorded');
    await nextLoopTurn();
    expect(store.callsOf('acquire')).toHaveLength(asked + 1);
    first.end();
    expect(await other.end).toBe('paid, replayed');
  });
});
