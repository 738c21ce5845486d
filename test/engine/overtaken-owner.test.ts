// An owner that has lost its lease changes nothing, and its caller gets what the record says.
import { defaultPolicy, executeIdempotently, type IdempotencyStore, type OperationContext } from '@onceguard/core';
import type { Lease } from '@onceguard/core/store';
import { type FaultStore, hangs, runFirst } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import type { Work } from '../../packages/core/src/engine/execution.js';
import { run } from '../../packages/core/src/engine/run.js';
import { untilAborted } from '../../packages/testing/src/adapter-suite/support/until-aborted.js';
import { executeUnderBriefLease } from './brief-lease.js';
import { summarize } from './execution-summary.js';
import { completionFor, removeAndAcquire, removeAndComplete } from './rival-owner.js';
import { memoryTestbed, onEveryStore, recordNameIn, recordOf } from './store-testbed.js';

interface StandingRow {
  readonly stands: string;
  /** Makes the record say so. */
  arrange(store: IdempotencyStore, key: string): Promise<unknown>;
  readonly caller: object;
}

const rows: StandingRow[] = [
  {
    stands: 'completed: its outcome',
    arrange: async (store, key) => await removeAndComplete(store, key),
    caller: { kind: 'replayed', value: 'of the second', completedAt: expect.any(Number) },
  },
  {
    stands: 'a tombstone: expired',
    arrange: async (store, key) => await removeAndComplete(store, key, { outcome: null }),
    caller: { kind: 'expired', completedAt: expect.any(Number), note: null },
  },
  {
    stands: 'in progress: so it says, with the time that is left',
    arrange: removeAndAcquire,
    caller: { kind: 'in_progress', retryAfterMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 30_000) },
  },
  {
    stands: 'retryable: in progress, to be retried at once',
    arrange: async (store, key) => await store.release(await removeAndAcquire(store, key), { as: 'retryable' }),
    caller: { kind: 'in_progress', retryAfterMs: 0 },
  },
  {
    stands: 'removed: in progress, to be retried at once',
    arrange: async (store, key) => await store.remove(key),
    caller: { kind: 'in_progress', retryAfterMs: 0 },
  },
  {
    stands: 'unknown: outcome_unknown',
    arrange: async (store, key) => {
      await store.release(await removeAndAcquire(store, key), { as: 'unknown', retryAfterMs: null, note: null });
    },
    caller: { kind: 'outcome_unknown', retryAfterMs: null, recordName: expect.any(String) },
  },
  {
    stands: 'another payload: key_reused',
    arrange: async (store, key) => await removeAndAcquire(store, key, 'f1:another'),
    caller: { kind: 'key_reused', version: 'f1' },
  },
];

const untilSignalAborts = async ({ signal }: OperationContext) => await untilAborted(signal);

type Operation = (context: OperationContext) => unknown;

const callOf = (store: FaultStore) => ({ store, scope: 'tests', key: 'payment-1', fingerprint: 1 });

const pay = (store: FaultStore, operation: Operation, options: object = {}) =>
  executeIdempotently(operation, { ...callOf(store), ...options });

const payUnderBriefLease = (store: FaultStore, operation: Operation) =>
  executeUnderBriefLease(operation, { ...callOf(store), leaseMs: 300 });

onEveryStore('An owner that was overtaken', (open) => {
  it.each(rows)('changes nothing, and its caller gets what stands there. $stands', async ({ arrange, caller }) => {
    const { store } = open();
    let before: unknown;
    const end = await payUnderBriefLease(store, async (context) => {
      await arrange(store.inner, recordNameIn(store));
      before = await recordOf(store.inner, recordNameIn(store));
      await untilSignalAborts(context);
      return 'of the first';
    });
    expect(end).toEqual(caller);
    expect(await recordOf(store.inner, recordNameIn(store))).toEqual(before);
  });

  it.each(rows)('learns it at the end, if not before. $stands', async ({ arrange, caller }) => {
    const { store } = open();
    const end = await pay(store, () => arrange(store.inner, recordNameIn(store)));
    expect(end).toEqual(caller);
  });

  it('waits for the other as duplicates do, and gets the outcome that comes', async () => {
    const { store } = open();
    let second: Lease | undefined;
    const waiting = pay(
      store,
      async () => {
        second = await removeAndAcquire(store.inner, recordNameIn(store));
      },
      { onInProgress: { waitMs: 30_000 } },
    );
    await store.waitForCalls('acquire', 2);
    if (second !== undefined) await store.inner.complete(second, completionFor(second));
    expect(await summarize(waiting)).toBe('of the second, replayed');
  });

  it('never runs again itself, also where the next caller could', async () => {
    const { store } = open();
    let runs = 0;
    const operation = async () => {
      runs += 1;
      await store.inner.release(await removeAndAcquire(store.inner, recordNameIn(store)), { as: 'retryable' });
    };
    const end = await pay(store, operation, { onInProgress: { waitMs: 50 } });
    expect(end).toEqual({ kind: 'in_progress', retryAfterMs: 0 });
    expect(runs).toBe(1);
    expect(store.callsOf('acquire').length).toBeGreaterThan(1);
    expect(await recordOf(store.inner, recordNameIn(store))).toMatchObject({ state: 'retryable', attempt: 1 });
  });
});

describe('At the end of the work', () => {
  it('a record that the store lost is written anew, and repeats get it', async () => {
    const { store, loseRecord } = memoryTestbed();
    const end = await pay(store, async () => await loseRecord(recordNameIn(store)).then(() => 'paid'));
    expect(end).toMatchObject({ kind: 'executed', value: 'paid', recorded: true });
    expect(await summarize(pay(store, () => 'again'))).toBe('paid, replayed');
  });

  it('a record that is gone for good counts as no answer: the result is given, marked, while the lease holds', async () => {
    const { store, advance } = memoryTestbed();
    store.injectFault(
      'complete',
      runFirst(() => advance(2 * 86_400_000)),
    );
    expect(await summarize(pay(store, () => 'paid'))).toBe('paid, unrecorded');
    expect(await recordOf(store.inner, recordNameIn(store))).toBeNull();
  });

  it('a silent store gets no result out once the own deadline has passed: somebody else may contradict it', async () => {
    const { store } = memoryTestbed();
    store.injectFault('renew', hangs);
    store.injectFault('complete', hangs);
    expect(await summarize(payUnderBriefLease(store, untilSignalAborts))).toBe('store_unavailable');
    store.clearFaults();
    await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.state).toBe('completed');
  });
});

describe('An end that frees the key, as HTTP has it for a failure, after the lease is over', () => {
  const leaseMs = 1_000;
  const requestFor = (store: FaultStore) => ({
    store,
    key: 'payment-1',
    recordName: 'payment',
    operation: 'pay',
    label: null,
    traceparent: null,
    fingerprint: null,
    policy: { ...defaultPolicy, leaseMs, tombstoneMs: defaultPolicy.ttlMs },
  });
  const failing: Work<string> = {
    run: async (context) => {
      await untilSignalAborts(context);
      return 'of the first';
    },
    settle: () => ({ as: 'retryable' }),
    decode: (outcome) => Buffer.from(outcome).toString(),
  };

  it('frees nothing, and its caller gets what stands there', async () => {
    const { store } = memoryTestbed();
    const ending = run(requestFor(store), failing);
    await store.waitForCalls('acquire', 1);
    await removeAndComplete(store.inner, 'payment');
    expect(await ending).toMatchObject({ kind: 'replayed', value: '"of the second"' });
    expect(store.callsOf('release')).toEqual([]);
  });

  it('is told to come back at once where nobody has taken over', async () => {
    const { store, advance } = memoryTestbed();
    store.injectFault('renew', hangs);
    const ending = run(requestFor(store), failing);
    await store.waitForCalls('renew', 1);
    advance(leaseMs);
    expect(await ending).toEqual({ kind: 'in_progress', retryAfterMs: 0 });
    expect(await recordOf(store.inner, 'payment')).toMatchObject({ state: 'in_progress', attempt: 1 });
  });

  it('is store_unavailable where the store says nothing', async () => {
    const { store } = memoryTestbed();
    const ending = run(requestFor(store), failing);
    await store.waitForCalls('acquire', 1);
    for (const verb of ['renew', 'acquire'] as const) store.injectFault(verb, hangs);
    expect(await summarize(ending)).toBe('store_unavailable');
  });
});
