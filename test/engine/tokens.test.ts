// Owner tokens: one per acquisition, the same in every repetition, and taken back where it will not be run.
import { execute, StoreError } from '@onceguard/core';
import {
  type FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  preceded,
  type StoreVerb,
} from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { told } from './told.js';
import { memoryWorld, nameIn, onEveryStore, recordOf, stateOf } from './world.js';

const pay = (store: FaultStore, options: object = {}, operation: () => unknown = () => 'paid') =>
  execute(operation, { store, scope: 'tests', key: 'payment-1', ...options });

const tokens = (store: FaultStore, verb: StoreVerb) => store.of(verb).map(({ token }) => token);
const distinct = (values: readonly unknown[]) => new Set(values).size;

const limit = (store: FaultStore, index: number) => {
  const [request] = store.of('acquire').at(index)?.args ?? [];
  return (request as { notAfter: number }).notAfter;
};

onEveryStore('A token', (open) => {
  it('is the same for every repetition of one acquisition, and its attempt stays the first', async () => {
    const { store } = open();
    store.on('acquire', failsAfter, 1);
    store.on('acquire', failsBefore(), 2);
    expect(await pay(store)).toMatchObject({ kind: 'executed', recorded: true, attempt: 1 });
    expect(tokens(store, 'acquire')).toHaveLength(3);
    expect(distinct(tokens(store, 'acquire'))).toBe(1);
    expect(distinct([limit(store, 0), limit(store, 2)])).toBe(1);
  });

  it('is another one for every caller', async () => {
    const { store } = open();
    await Promise.all([pay(store), pay(store), pay(store)]);
    expect(distinct(tokens(store, 'acquire'))).toBe(3);
  });

  it('that was run is never released as not started', async () => {
    const { store } = open();
    store.on('acquire', failsAfter, 1);
    await pay(store);
    await stateOf(store);
    expect(store.of('release')).toEqual([]);
  });

  it('that was given up is taken back until no send of it can take effect any more', async () => {
    const { store } = open();
    store.on('acquire', hangs);
    await expect(pay(store)).rejects.toThrow(StoreError);
    await stateOf(store);
    const [holder, how] = store.of('release')[0]?.args ?? [];
    expect(holder).toMatchObject({ token: tokens(store, 'acquire')[0], fence: null });
    expect(how).toEqual({ as: 'not_started' });
    expect(store.of('release').length).toBeGreaterThan(1);
    expect((await store.inner.read('after')).now).toBeGreaterThan(limit(store, 0));
  });

  it('that was given up leaves no doubt behind, also where an abandoned key would need a decision', async () => {
    const { store } = open();
    store.on('acquire', hangsAfter, 1);
    expect(await told(pay(store, { onAbandoned: 'block' }))).toBe('store_unavailable');
    expect(await stateOf(store)).toBe('retryable');
    expect(await pay(store, { onAbandoned: 'block' })).toMatchObject({ kind: 'executed', attempt: 2 });
  });

  it('is taken back where one of its sends stayed unanswered and another one was refused', async () => {
    const { store } = open();
    await pay(store);
    store.on('acquire', failsBefore('unknown'), 2);
    expect(await told(pay(store))).toBe('paid, replayed');
    await stateOf(store);
    expect(tokens(store, 'release')).toContain(tokens(store, 'acquire')[1]);
    expect(distinct(tokens(store, 'release'))).toBe(1);
  });

  it('of which every send was answered is not taken back', async () => {
    const { store } = open();
    await pay(store);
    expect(await told(pay(store))).toBe('paid, replayed');
    await stateOf(store);
    expect(store.of('release')).toEqual([]);
  });
});

describe('A request that came too late for its own limit', () => {
  it('corrects the clock and is made once more, with a new token', async () => {
    const { store, advance } = memoryWorld();
    store.on(
      'acquire',
      preceded(() => advance(60_000)),
      1,
    );
    expect(await pay(store)).toMatchObject({ kind: 'executed', attempt: 1, recorded: true });
    expect(store.calls.map(({ verb }) => verb)).toEqual(['read', 'acquire', 'release', 'acquire', 'complete']);
    expect(distinct(tokens(store, 'acquire'))).toBe(2);
    expect(tokens(store, 'release')[0]).toBe(tokens(store, 'acquire')[0]);
    expect(limit(store, 1) - limit(store, 0)).toBeGreaterThanOrEqual(60_000);
  });

  it('does not mistake a lease of its own for that of another', async () => {
    const { store, advance } = memoryWorld();
    store.on('acquire', failsAfter, 1);
    store.on(
      'acquire',
      preceded(() => advance(1_000)),
      2,
    );
    expect(await pay(store)).toMatchObject({ kind: 'executed', attempt: 2, recorded: true });
  });

  it('runs nothing where it is too late again', async () => {
    const { store, advance } = memoryWorld();
    store.on(
      'acquire',
      preceded(() => advance(60_000)),
    );
    expect(await told(pay(store))).toBe('store_unavailable');
    expect(store.of('acquire')).toHaveLength(2);
    expect(await recordOf(store.inner, nameIn(store))).toBeNull();
  });
});

it('A lease that was granted too late to begin under is given back, and nothing runs', async () => {
  const { store } = memoryWorld({ timeoutMs: 1_000 });
  let runs = 0;
  store.on('acquire', async (pass) => {
    const answer = await pass();
    await new Promise((resolve) => setTimeout(resolve, 60));
    return answer;
  });
  const late = pay(store, { leaseMs: 50, onAbandoned: 'block' }, () => (runs += 1));
  expect(await told(late)).toBe('store_unavailable');
  expect(runs).toBe(0);
  await expect.poll(async () => (await recordOf(store.inner, nameIn(store)))?.state).toBe('retryable');
});
