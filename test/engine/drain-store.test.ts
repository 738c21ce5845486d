// drainStore: what a process still has to record is waited for, whatever store around the store it came through, and within limits.
import {
  drainStore,
  type Events,
  executeIdempotently,
  type IdempotencyStore,
  listDoubts,
  localCache,
  MemoryStore,
  onEvent,
  recoverAll,
  recovery,
  resolveDoubt,
} from '@onceguard/core';
import { FaultStore, failsBefore, hangs } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { summarize } from './execution-summary.js';
import { briefTimeout, onEveryStore } from './store-testbed.js';

const shortTimeoutMs = 200;

const pay = (store: IdempotencyStore, key = 'payment-1', result = 'paid') =>
  summarize(executeIdempotently(() => result, { store, scope: 'tests', key }));

onEveryStore('What a process has to record through a local cache and through the store inside', (open) => {
  const ways: readonly [how: string, wrap: (store: IdempotencyStore) => readonly IdempotencyStore[]][] = [
    ['through the cache, is waited for at the store inside', (store) => [localCache(store), store]],
    ['through the store inside, is waited for at the cache', (store) => [store, localCache(store)]],
    [
      'through a cache of a cache, is waited for at the store inside',
      (store) => [localCache(localCache(store)), store],
    ],
    ['through one cache, is waited for at another one', (store) => [localCache(store), localCache(store)]],
  ];

  it.each(ways)('%s', async (_how, wrap) => {
    const { store } = open(briefTimeout);
    const [used = store, drained = store] = wrap(store);
    store.injectFault('complete', failsBefore());
    expect(await pay(used)).toBe('paid, unrecorded');
    expect(await drainStore(drained, { timeoutMs: 20 })).toBe(false);
    store.clearFaults();
    expect(await drainStore(drained)).toBe(true);
    expect((await store.inner.read(store.calls[0]?.key ?? '')).record?.state).toBe('completed');
  });
});

describe('drainStore', () => {
  it('with a time-out of 0 only looks whether anything is left', async () => {
    const store = new FaultStore(new MemoryStore(), shortTimeoutMs);
    expect(await drainStore(store, { timeoutMs: 0 })).toBe(true);
    store.injectFault('complete', failsBefore());
    await pay(store);
    expect(await drainStore(store, { timeoutMs: 0 })).toBe(false);
    store.clearFaults();
    expect(await drainStore(store)).toBe(true);
  });

  it.each([
    [
      { timeoutMs: -1 },
      /drainStore\(\): timeoutMs is -1; it must be a whole number of milliseconds from 0 to 2147483647\./,
    ],
    [{ timeout: 5 }, /timeout is not an option; the options are timeoutMs\./],
    [null, /the options argument is null; it must be an object\./],
  ])('refuses the options %j', async (options, message) => {
    const error = await drainStore(new MemoryStore(), options as never).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'option_invalid', message: expect.stringMatching(message) });
  });
});

const decision = { as: 'not_done', by: 'Ada', reason: 'asked the bank' } as const;
const operatorFunctions: readonly [name: string, call: (store: IdempotencyStore) => Promise<unknown>][] = [
  ['drainStore', (store) => drainStore(store)],
  ['listDoubts', (store) => listDoubts(store)],
  ['resolveDoubt', (store) => resolveDoubt(store, 'payment', decision)],
  ['recoverAll', (store) => recoverAll(store, { recover: () => recovery.notDone() })],
];

it.each(operatorFunctions)('%s refuses what is no store', async (name, call) => {
  for (const [given, shown] of [
    [undefined, 'missing'],
    ['redis://localhost', '"redis://localhost"'],
  ]) {
    const error = await call(given as never).catch((thrown: unknown) => thrown);
    const message = `${name}(): store is ${shown}; it must be a store, such as new MemoryStore() or new RedisStore({ client }).`;
    expect(error).toMatchObject({ code: 'option_invalid', message });
  }
});

describe('The limits of the queues', () => {
  it.each([
    ['of the store', (store: IdempotencyStore) => store],
    ['of the store inside a local cache', (store: IdempotencyStore) => localCache(store)],
  ])('%s bound how many outcomes wait', async (_which, wrap) => {
    const inner = new FaultStore(new MemoryStore({ retryQueueLimits: { maxCalls: 1 } }), shortTimeoutMs);
    const store = wrap(inner);
    const ends: Events['recorded_late'][] = [];
    const stop = onEvent('recorded_late', (event) => ends.push(event));
    inner.injectFault('complete', failsBefore());
    await pay(store, 'payment-1');
    await pay(store, 'payment-2');
    expect(ends).toMatchObject([{ kind: 'given_up', reason: 'too much is waiting for the store already' }]);
    inner.clearFaults();
    expect(await drainStore(store)).toBe(true);
    stop();
    expect(ends.map(({ kind }) => kind)).toEqual(['given_up', 'recorded']);
  });

  it('of one store leave the queues of another alone', async () => {
    const limited = new FaultStore(new MemoryStore({ retryQueueLimits: { maxCalls: 1 } }), shortTimeoutMs);
    const other = new FaultStore(new MemoryStore(), shortTimeoutMs);
    const ends: Events['recorded_late'][] = [];
    const stop = onEvent('recorded_late', (event) => ends.push(event));
    for (const store of [limited, other]) store.injectFault('complete', hangs, 1);
    await Promise.all([pay(limited), pay(other)]);
    expect(await Promise.all([drainStore(limited), drainStore(other)])).toEqual([true, true]);
    stop();
    expect(ends.map(({ kind }) => kind)).toEqual(['recorded', 'recorded']);
  });

  it('bound the bytes of the outcomes that wait: beyond them only the fact is recorded', async () => {
    const store = new FaultStore(new MemoryStore({ retryQueueLimits: { maxBytes: 100 } }), shortTimeoutMs);
    const notKept: Events['outcome_not_kept'][] = [];
    const stop = onEvent('outcome_not_kept', (event) => notKept.push(event));
    store.injectFault('complete', failsBefore());
    expect(await pay(store, 'payment-1', 'x'.repeat(200))).toMatch(/^x+, unrecorded$/);
    store.clearFaults();
    expect(await drainStore(store)).toBe(true);
    stop();
    expect(notKept).toMatchObject([{ reason: 'too many results wait for the store' }]);
    expect(await pay(store, 'payment-1')).toBe('expired');
  });
});
