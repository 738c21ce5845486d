// Owner tokens: each acquisition has one, repeats the call with it, and releases it where it will not run.
import { executeIdempotently, StoreError } from '@onceguard/core';
import {
  type FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  runFirst,
  type StoreMethod,
} from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { summarize } from './execution-summary.js';
import { briefTimeout, memoryTestbed, onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const pay = (store: FaultStore, options: object = {}, operation: () => unknown = () => 'paid') =>
  executeIdempotently(operation, { store, scope: 'tests', key: 'payment-1', ...options });

const tokensSent = (store: FaultStore, verb: StoreMethod) => store.callsOf(verb).map(({ ownerToken }) => ownerToken);
const distinct = (values: readonly unknown[]) => new Set(values).size;

const notAfterOf = (store: FaultStore, index: number) => {
  const [request] = store.callsOf('acquire').at(index)?.args ?? [];
  return (request as { notAfter: number }).notAfter;
};

onEveryStore('A token', (open) => {
  it('is the same for every repetition of one acquisition, and its attempt stays the first', async () => {
    const { store } = open();
    store.injectFault('acquire', failsAfter, 1);
    store.injectFault('acquire', failsBefore(), 2);
    expect(await pay(store)).toMatchObject({ kind: 'executed', recorded: true, attempt: 1 });
    expect(tokensSent(store, 'acquire')).toHaveLength(3);
    expect(distinct(tokensSent(store, 'acquire'))).toBe(1);
    expect(distinct([notAfterOf(store, 0), notAfterOf(store, 2)])).toBe(1);
  });

  it('is another one for every caller', async () => {
    const { store } = open();
    await Promise.all([pay(store), pay(store), pay(store)]);
    expect(distinct(tokensSent(store, 'acquire'))).toBe(3);
  });

  it('that was run is never released as not started', async () => {
    const { store } = open();
    store.injectFault('acquire', failsAfter, 1);
    await pay(store);
    await stateAfterDrain(store);
    expect(store.callsOf('release')).toEqual([]);
  });

  it('that was abandoned is released until none of its acquires can take effect', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('acquire', hangs);
    await expect(pay(store)).rejects.toThrow(StoreError);
    await stateAfterDrain(store);
    const [holder, how] = store.callsOf('release')[0]?.args ?? [];
    expect(holder).toMatchObject({ ownerToken: tokensSent(store, 'acquire')[0], fencingToken: null });
    expect(how).toEqual({ as: 'not_started' });
    expect(store.callsOf('release').length).toBeGreaterThan(1);
    expect((await store.inner.read('after')).now).toBeGreaterThan(notAfterOf(store, 0));
  });

  it('that was given up leaves no doubt behind, also where an abandoned key would need a decision', async () => {
    const { store } = open(briefTimeout);
    store.injectFault('acquire', hangsAfter, 1);
    expect(await summarize(pay(store, { onAbandoned: 'block' }))).toBe('store_unavailable');
    expect(await stateAfterDrain(store)).toBe('retryable');
    expect(await pay(store, { onAbandoned: 'block' })).toMatchObject({ kind: 'executed', attempt: 2 });
  });

  it('is taken back where one of its sends stayed unanswered and another one was refused', async () => {
    const { store } = open(briefTimeout);
    await pay(store);
    store.injectFault('acquire', failsBefore('unknown'), 2);
    expect(await summarize(pay(store))).toBe('paid, replayed');
    await stateAfterDrain(store);
    expect(tokensSent(store, 'release')).toContain(tokensSent(store, 'acquire')[1]);
    expect(distinct(tokensSent(store, 'release'))).toBe(1);
  });

  it('whose acquires all got replies is not released', async () => {
    const { store } = open();
    await pay(store);
    expect(await summarize(pay(store))).toBe('paid, replayed');
    await stateAfterDrain(store);
    expect(store.callsOf('release')).toEqual([]);
  });
});

describe('A request that came too late for its own limit', () => {
  it('corrects the clock, and is repeated with a new token', async () => {
    const { store, advance } = memoryTestbed();
    store.injectFault(
      'acquire',
      runFirst(() => advance(60_000)),
      1,
    );
    expect(await pay(store)).toMatchObject({ kind: 'executed', attempt: 1, recorded: true });
    expect(store.calls.map(({ method }) => method)).toEqual(['read', 'acquire', 'release', 'acquire', 'complete']);
    expect(distinct(tokensSent(store, 'acquire'))).toBe(2);
    expect(tokensSent(store, 'release')[0]).toBe(tokensSent(store, 'acquire')[0]);
    expect(notAfterOf(store, 1) - notAfterOf(store, 0)).toBeGreaterThanOrEqual(60_000);
  });

  it('does not mistake a lease of its own for that of another', async () => {
    const { store, advance } = memoryTestbed();
    store.injectFault('acquire', failsAfter, 1);
    store.injectFault(
      'acquire',
      runFirst(() => advance(1_000)),
      2,
    );
    expect(await pay(store)).toMatchObject({ kind: 'executed', attempt: 2, recorded: true });
  });

  it('runs nothing where it is too late again', async () => {
    const { store, advance } = memoryTestbed();
    store.injectFault(
      'acquire',
      runFirst(() => advance(60_000)),
    );
    expect(await summarize(pay(store))).toBe('store_unavailable');
    expect(store.callsOf('acquire')).toHaveLength(2);
    expect(await recordOf(store.inner, recordNameIn(store))).toBeNull();
  });
});

it('A lease that was granted too late to begin under is given back, and nothing runs', async () => {
  const { store } = memoryTestbed({ timeoutMs: 1_000 });
  let runs = 0;
  store.injectFault('acquire', async (pass) => {
    const reply = await pass();
    await new Promise((resolve) => setTimeout(resolve, 60));
    return reply;
  });
  const late = pay(store, { leaseMs: 50, onAbandoned: 'block' }, () => (runs += 1));
  expect(await summarize(late)).toBe('store_unavailable');
  expect(runs).toBe(0);
  await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.state).toBe('retryable');
});
