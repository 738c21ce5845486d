// Concurrent callers: one runs; the others are refused, or wait for its outcome within limits.
import { executeIdempotently, onEvent } from '@onceguard/core';
import { type FaultStore, failsAfter, failsBefore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { withJitter } from '../../packages/core/src/engine/time.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { summarize } from './execution-summary.js';
import { memoryTestbed, onEveryStore } from './store-testbed.js';

const pay = (store: FaultStore, operation: () => unknown, options: object = {}) =>
  executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', ...options });

const waitOptions = (waitMs = 30_000) => ({ onInProgress: { waitMs } });
const unreachableOperation = () => expect.unreachable('A duplicate ran.');

/** Starts a first caller, which works until `end` is called. */
async function startFirstCaller(store: FaultStore, end: () => unknown = () => 'paid', options: object = {}) {
  const [begun, gate] = [newGate(), newGate()];
  const operation = async () => {
    begun.open();
    await gate.opened;
    return end();
  };
  const first = summarize(pay(store, operation, options));
  await begun.opened;
  return { result: first, end: gate.open };
}

onEveryStore('Concurrent duplicates', (open) => {
  it('of which there are 50 run once: the others are told in_progress, and when to come back', async () => {
    const { store } = open();
    const gate = newGate();
    let runs = 0;
    const operation = async () => {
      runs += 1;
      await gate.opened;
      return 'paid';
    };
    let refused = 0;
    const all = Array.from({ length: 50 }, async () => {
      const end = await pay(store, operation);
      if (end.kind !== 'executed') refused += 1;
      if (refused === 49) gate.open();
      return end;
    });
    const ends = await Promise.all(all);
    expect(runs).toBe(1);
    const others = ends.filter(({ kind }) => kind !== 'executed');
    const comeBack = expect.toSatisfy((ms: number) => ms > 0 && ms <= 30_000);
    expect(others).toEqual(Array.from({ length: 49 }, () => ({ kind: 'in_progress', retryAfterMs: comeBack })));
  });

  it('of which there are 50 that wait run once, and all get the outcome', async () => {
    const { store } = open();
    let runs = 0;
    const operation = async () => {
      runs += 1;
      await store.waitForCalls('acquire', 60);
      return 'paid';
    };
    const ends = await Promise.all(Array.from({ length: 50 }, () => summarize(pay(store, operation, waitOptions()))));
    expect(runs).toBe(1);
    expect(ends.sort()).toEqual(['paid, recorded', ...Array.from({ length: 49 }, () => 'paid, replayed')].sort());
  });
});

onEveryStore('A duplicate that waits', (open) => {
  it('runs when the first fails', async () => {
    const { store } = open();
    const first = await startFirstCaller(store, () => {
      throw new Error('declined');
    });
    const second = pay(store, () => 'paid by the second', waitOptions());
    await store.waitForCalls('acquire', 3);
    first.end();
    expect(await first.result).toBe('Error: declined');
    expect(await second).toMatchObject({ kind: 'executed', value: 'paid by the second', attempt: 2 });
  });

  it('is told the same as one that does not wait, when its time is over', async () => {
    const { store } = open();
    const first = await startFirstCaller(store);
    const comeBack = { kind: 'in_progress', retryAfterMs: expect.toSatisfy((ms: number) => ms > 0) };
    expect(await pay(store, unreachableOperation, waitOptions(60))).toEqual(comeBack);
    expect(await pay(store, unreachableOperation)).toEqual(comeBack);
    first.end();
    expect(await first.result).toBe('paid, recorded');
  });

  it('asks with one token all the time, each time with a later limit', async () => {
    const { store } = open();
    const first = await startFirstCaller(store);
    const second = summarize(pay(store, unreachableOperation, waitOptions()));
    await store.waitForCalls('acquire', 5);
    first.end();
    expect(await second).toBe('paid, replayed');
    const [, ...looks] = store
      .callsOf('acquire')
      .map(({ args: [request] }) => request as { ownerToken: string; notAfter: number });
    expect(new Set(looks.map(({ ownerToken }) => ownerToken)).size).toBe(1);
    const limits = looks.map(({ notAfter }) => notAfter);
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
    expect(limits.at(-1)).toBeGreaterThan(limits[0] ?? 0);
  });

  it('uses a new token after a poll that may still take effect', async () => {
    const { store } = open();
    const first = await startFirstCaller(store);
    store.injectFault('acquire', failsAfter, 3);
    const second = summarize(pay(store, unreachableOperation, waitOptions()));
    await store.waitForCalls('acquire', 6);
    first.end();
    expect(await second).toBe('paid, replayed');
    const tokens = store.callsOf('acquire').map(({ ownerToken }) => ownerToken);
    expect(tokens[3]).toBe(tokens[2]);
    expect(tokens[4]).not.toBe(tokens[3]);
    expect(store.callsOf('release')[0]?.ownerToken).toBe(tokens[3]);
  });

  it('gets the last known reply when the store stops replying, and does not bypass a running attempt', async () => {
    const { store } = open();
    const first = await startFirstCaller(store);
    const second = pay(store, unreachableOperation, { ...waitOptions(150), onStoreUnavailable: 'bypass' });
    await store.waitForCalls('acquire', 2);
    store.injectFault('acquire', failsBefore());
    expect(await summarize(second)).toBe('in_progress');
    first.end();
    expect(await first.result).toBe('paid, recorded');
  });
});

describe('Waiting is bounded', () => {
  it('in number: those beyond a thousand at one store are told at once', async () => {
    const { store } = memoryTestbed({ timeoutMs: 10_000 });
    const first = await startFirstCaller(store);
    const waiters = Array.from({ length: 1_000 }, () => summarize(pay(store, unreachableOperation, waitOptions())));
    await store.waitForCalls('acquire', 1_001);
    expect(await summarize(pay(store, unreachableOperation, waitOptions()))).toBe('in_progress');
    first.end();
    expect(new Set(await Promise.all(waiters))).toEqual(new Set(['paid, replayed']));

    const other = await startFirstCaller(store, () => 'paid', { key: 'payment-2' });
    const asked = store.callsOf('acquire').length;
    const waiter = summarize(pay(store, unreachableOperation, { ...waitOptions(), key: 'payment-2' }));
    await store.waitForCalls('acquire', asked + 2);
    other.end();
    expect(await waiter).toBe('paid, replayed');
  });

  it('in rhythm: pauses differ, so that callers that began together do not come back together', () => {
    const pauses = Array.from({ length: 100 }, () => withJitter(100));
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(50);
    expect(Math.max(...pauses)).toBeLessThan(100);
    expect(new Set(pauses).size).toBeGreaterThan(90);
  });
});

describe('A caller that finds no store before its work', () => {
  it('is refused by default, and nothing runs', async () => {
    const { store } = memoryTestbed();
    store.injectFault('acquire', failsBefore());
    expect(await summarize(pay(store, unreachableOperation))).toBe('store_unavailable');
  });

  it('runs without protection with onStoreUnavailable "bypass", unrecorded, and an event says so', async () => {
    const { store } = memoryTestbed();
    store.injectFault('acquire', failsBefore());
    const heard: object[] = [];
    const stop = onEvent('bypassed', (event) => heard.push(event));
    const end = await executeIdempotently(
      ({ fencingToken, attempt, takeover, key }) => ({ fencingToken, attempt, takeover, key }),
      {
        store,
        scope: 'tests',
        key: 'payment-1',
        onStoreUnavailable: 'bypass',
      },
    );
    stop();
    const value = { fencingToken: 0, attempt: 1, takeover: false, key: 'payment-1' };
    expect(end).toEqual({ kind: 'executed', value, recorded: false, attempt: 1 });
    expect(heard).toEqual([
      { store: 'memory', recordName: store.calls[0]?.key, operation: 'function', error: expect.any(Error) },
    ]);
    expect(store.callsOf('complete')).toEqual([]);
  });
});
