// An owner that has lost its lease changes nothing, and its caller gets what stands there.
import { defaultTerms, execute, type IdempotencyStore, type OperationContext } from '@onceguard/core';
import type { Lease } from '@onceguard/core/store';
import { type FaultStore, hangs, preceded } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import type { Work } from '../../packages/core/src/engine/plan.js';
import { run } from '../../packages/core/src/engine/run.js';
import { untilAborted } from '../support/aborted.js';
import { completeAsRival, completionBy, rival } from './rival.js';
import { told } from './told.js';
import { memoryWorld, nameIn, onEveryStore, recordOf } from './world.js';

interface Row {
  readonly stands: string;
  /** Brings it about. */
  arrange(store: IdempotencyStore, key: string): Promise<unknown>;
  readonly caller: object;
}

const rows: Row[] = [
  {
    stands: 'completed: its outcome',
    arrange: async (store, key) => await completeAsRival(store, key),
    caller: { kind: 'replayed', value: 'of the second', completedAt: expect.any(Number) },
  },
  {
    stands: 'a tombstone: expired',
    arrange: async (store, key) => await completeAsRival(store, key, { outcome: null }),
    caller: { kind: 'expired', completedAt: expect.any(Number), note: null },
  },
  {
    stands: 'in progress: so it says, with the time that is left',
    arrange: rival,
    caller: { kind: 'in_progress', retryAfterMs: expect.toSatisfy((ms: number) => ms > 0 && ms <= 30_000) },
  },
  {
    stands: 'retryable: in progress, to be retried at once',
    arrange: async (store, key) => await store.release(await rival(store, key), { as: 'retryable' }),
    caller: { kind: 'in_progress', retryAfterMs: 0 },
  },
  {
    stands: 'removed: in progress, to be retried at once',
    arrange: async (store, key) => await store.remove(key),
    caller: { kind: 'in_progress', retryAfterMs: 0 },
  },
  {
    stands: 'unknown: unknown',
    arrange: async (store, key) => {
      await store.release(await rival(store, key), { as: 'unknown', retryAfterMs: null, note: null });
    },
    caller: { kind: 'unknown', retryAfterMs: null, recordName: expect.any(String) },
  },
  {
    stands: 'another payload: mismatch',
    arrange: async (store, key) => await rival(store, key, 'f1:another'),
    caller: { kind: 'mismatch', version: 'f1' },
  },
];

const aborted = async ({ signal }: OperationContext) => await untilAborted(signal);

const pay = (store: FaultStore, operation: (context: OperationContext) => unknown, options: object = {}) =>
  execute(operation, { store, scope: 'tests', key: 'payment-1', fingerprint: 1, leaseMs: 300, ...options });

onEveryStore('An owner that was overtaken', (open) => {
  it.each(rows)('changes nothing, and its caller gets what stands there. $stands', async ({ arrange, caller }) => {
    const { store } = open();
    let before: unknown;
    const end = await pay(store, async (context) => {
      await arrange(store.inner, nameIn(store));
      before = await recordOf(store.inner, nameIn(store));
      await aborted(context);
      return 'of the first';
    });
    expect(end).toEqual(caller);
    expect(await recordOf(store.inner, nameIn(store))).toEqual(before);
  });

  it.each(rows)('learns it at the end, if not before. $stands', async ({ arrange, caller }) => {
    const { store } = open();
    const end = await pay(store, () => arrange(store.inner, nameIn(store)), { leaseMs: 30_000 });
    expect(end).toEqual(caller);
  });

  it('waits for the other as duplicates do, and gets the outcome that comes', async () => {
    const { store } = open();
    let second: Lease | undefined;
    const waiting = pay(
      store,
      async () => {
        second = await rival(store.inner, nameIn(store));
      },
      { onInProgress: { waitMs: 30_000 } },
    );
    await store.called('acquire', 2);
    if (second !== undefined) await store.inner.complete(second, completionBy(second));
    expect(await told(waiting)).toBe('of the second, replayed');
  });

  it('never runs again itself, also where the next caller could', async () => {
    const { store } = open();
    let runs = 0;
    const operation = async () => {
      runs += 1;
      await store.inner.release(await rival(store.inner, nameIn(store)), { as: 'retryable' });
    };
    const end = await pay(store, operation, { onInProgress: { waitMs: 50 } });
    expect(end).toEqual({ kind: 'in_progress', retryAfterMs: 0 });
    expect(runs).toBe(1);
    expect(store.of('acquire').length).toBeGreaterThan(1);
    expect(await recordOf(store.inner, nameIn(store))).toMatchObject({ state: 'retryable', attempt: 1 });
  });
});

describe('At the end of the work', () => {
  it('a record that the store lost is written anew, and repeats get it', async () => {
    const { store, lose } = memoryWorld();
    const end = await pay(store, async () => await lose(nameIn(store)).then(() => 'paid'));
    expect(end).toMatchObject({ kind: 'executed', value: 'paid', recorded: true });
    expect(await told(pay(store, () => 'again'))).toBe('paid, replayed');
  });

  it('a record that is gone for good counts as no answer: the result is given, marked, while the lease holds', async () => {
    const { store, advance } = memoryWorld();
    store.on(
      'complete',
      preceded(() => advance(2 * 86_400_000)),
    );
    expect(await told(pay(store, () => 'paid'))).toBe('paid, unrecorded');
    expect(await recordOf(store.inner, nameIn(store))).toBeNull();
  });

  it('a silent store gets no result out once the own deadline has passed: somebody else may contradict it', async () => {
    const { store } = memoryWorld();
    store.on('renew', hangs);
    store.on('complete', hangs);
    expect(await told(pay(store, aborted, { leaseMs: 100 }))).toBe('store_unavailable');
    store.heal();
    await expect.poll(async () => (await recordOf(store.inner, nameIn(store)))?.state).toBe('completed');
  });
});

describe('An end that frees the key, as HTTP has it for a failure, after the lease is over', () => {
  const plan = (store: FaultStore) => ({
    store,
    key: 'payment-1',
    name: 'payment',
    fingerprint: null,
    terms: { ...defaultTerms, leaseMs: 100, tombstoneMs: defaultTerms.ttlMs },
  });
  const failing: Work<string> = {
    run: async (context) => {
      await aborted(context);
      return 'of the first';
    },
    settle: () => ({ as: 'retryable' }),
    revive: (outcome) => Buffer.from(outcome).toString(),
  };

  it('frees nothing, and its caller gets what stands there', async () => {
    const { store } = memoryWorld();
    const ending = run(plan(store), failing);
    await store.called('acquire', 1);
    await completeAsRival(store.inner, 'payment');
    expect(await ending).toMatchObject({ kind: 'replayed', value: '"of the second"' });
    expect(store.of('release')).toEqual([]);
  });

  it('is told to come back at once where nobody has taken over', async () => {
    const { store, advance } = memoryWorld();
    store.on('renew', hangs);
    const ending = run(plan(store), failing);
    await store.called('renew', 1);
    advance(100);
    expect(await ending).toEqual({ kind: 'in_progress', retryAfterMs: 0 });
    expect(await recordOf(store.inner, 'payment')).toMatchObject({ state: 'in_progress', attempt: 1 });
  });

  it('is store_unavailable where the store says nothing', async () => {
    const { store } = memoryWorld();
    const ending = run(plan(store), failing);
    await store.called('acquire', 1);
    for (const verb of ['renew', 'acquire'] as const) store.on(verb, hangs);
    expect(await told(ending)).toBe('store_unavailable');
  });
});
