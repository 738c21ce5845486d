// A store that refuses the bytes of an outcome: the work is recorded as done without them, at once or in the background.
import {
  type Events,
  executeIdempotently,
  onEvent,
  StoreError,
  type StoreErrorClass,
  type StoreRefusal,
} from '@onceguard/core';
import { type FaultRule, type FaultStore, failsAfter, failsBefore, hangs } from '@onceguard/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { StoreClient } from '../../packages/core/src/engine/store-client.js';
import { executeIdempotently as executeFromSource } from '../../packages/core/src/functions/execute-idempotently.js';
import type { Completion } from '../../packages/core/src/protocol/messages.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { summarize } from './execution-summary.js';
import { briefTimeout, memoryTestbed, onEveryStore, recordNameIn, recordOf, stateAfterDrain } from './store-testbed.js';

const pay = (store: FaultStore) =>
  summarize(executeIdempotently(() => 'paid', { store, scope: 'tests', key: 'payment-1' }));

const refusingRule =
  (storeClass: StoreErrorClass, refusal: StoreRefusal): FaultRule =>
  async () => {
    throw new StoreError(storeClass, `It is ${refusal}.`, { refusal });
  };

/** For each call of `complete`: whether it had the bytes of the outcome. */
const completionsWithBytes = (store: FaultStore) =>
  store.calls.filter(({ method }) => method === 'complete').map(({ args }) => (args[1] as Completion).outcome !== null);

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const end of cleanups.splice(0)) end();
});

function collectEvents<Name extends 'outcome_not_kept' | 'outcome_unrecorded' | 'recorded_late'>(
  name: Name,
): Events[Name][] {
  const events: Events[Name][] = [];
  cleanups.push(onEvent(name, (event) => events.push(event)));
  return events;
}

onEveryStore('An outcome whose bytes the store refuses', (open) => {
  it.each([
    ['unavailable', 'full'],
    ['misconfigured', 'full'],
    ['misconfigured', 'too_large'],
    ['unknown', 'too_large'],
  ] as const)(
    'is recorded without them at once, and its caller gets it as recorded (%s, %s)',
    async (storeClass, refusal) => {
      const { store } = open();
      const [notKept, unrecorded] = [collectEvents('outcome_not_kept'), collectEvents('outcome_unrecorded')];
      store.injectFault('complete', refusingRule(storeClass, refusal), 1);
      expect(await pay(store)).toBe('paid, recorded');
      expect(completionsWithBytes(store)).toEqual([true, false]);
      expect(await pay(store)).toBe('expired');
      const reason = `It is ${refusal}.`;
      const recordName = recordNameIn(store);
      expect(notKept).toEqual([{ store: store.name, recordName, operation: 'function', reason }]);
      expect(unrecorded).toEqual([]);
    },
  );

  it.each(['unknown', 'unavailable'] as const)(
    'is recorded without them where only calls with many bytes fail, each in the same way (%s)',
    async (storeClass) => {
      const { store } = open(briefTimeout);
      const { inner } = store;
      store.inner = overrideVerbs(inner, {
        complete: async (lease, completion) => {
          if (completion.outcome !== null) throw new StoreError(storeClass, 'The connection was lost.');
          return await inner.complete(lease, completion);
        },
      });
      const notKept = collectEvents('outcome_not_kept');
      const large = () =>
        summarize(executeIdempotently(() => 'x'.repeat(100_000), { store, scope: 'tests', key: 'payment-1' }));
      expect(await large()).toMatch(/^x+, recorded$/);
      expect(await large()).toBe('expired');
      expect(notKept.map(({ reason }) => reason)).toEqual(['The connection was lost.']);
    },
  );

  it('keeps many bytes where all calls failed for a while, or the store takes them in the end', async () => {
    const { store } = open(briefTimeout);
    let isAway = true;
    const { inner } = store;
    store.inner = overrideVerbs(inner, {
      complete: async (lease, completion) => {
        if (isAway) throw new StoreError('unavailable', 'It is away.');
        return await inner.complete(lease, completion);
      },
      read: async (key) => {
        isAway = false;
        return await inner.read(key);
      },
    });
    const large = () =>
      summarize(executeIdempotently(() => 'x'.repeat(100_000), { store, scope: 'tests', key: 'payment-1' }));
    expect(await large()).toMatch(/^x+, recorded$/);
    expect(await large()).toMatch(/^x+, replayed$/);
  });

  it('is recorded without them in the background, where the store did not answer before', async () => {
    const { store } = open(briefTimeout);
    const [notKept, late] = [collectEvents('outcome_not_kept'), collectEvents('recorded_late')];
    store.injectFault('complete', hangs, 1);
    store.injectFault('complete', refusingRule('misconfigured', 'full'), 2);
    expect(await pay(store)).toBe('paid, unrecorded');
    expect(await stateAfterDrain(store)).toBe('completed');
    expect(await pay(store)).toBe('expired');
    expect(completionsWithBytes(store)).toEqual([true, true, false]);
    expect([notKept.length, late.map(({ kind }) => kind)]).toEqual([1, ['recorded']]);
  });

  it('keeps the bytes that an earlier call recorded without an answer', async () => {
    const { store } = open();
    store.injectFault('complete', failsAfter, 1);
    store.injectFault('complete', refusingRule('misconfigured', 'full'), 2);
    expect(await pay(store)).toBe('paid, recorded');
    expect(await pay(store)).toBe('paid, replayed');
  });

  it.each(['bug', 'misconfigured', 'damaged'] as const)(
    'is recorded in the background as soon as the store takes it, whatever it said before (%s)',
    async (storeClass) => {
      const { store } = open();
      for (const call of [1, 2, 3]) store.injectFault('complete', failsBefore(storeClass), call);
      expect(await pay(store)).toBe('paid, unrecorded');
      expect(await stateAfterDrain(store)).toBe('completed');
      expect(await pay(store)).toBe('paid, replayed');
    },
  );
});

describe('While more results than 64 MiB wait for the store', () => {
  it('a further one is recorded in the background without its bytes', async () => {
    const { store } = memoryTestbed();
    const notKept = collectEvents('outcome_not_kept');
    const waiting = { bytes: 64 * 2 ** 20, onGivenUp: () => {}, tryOnce: () => new Promise<never>(() => {}) };
    void StoreClient.forStore(store).outcomeQueue.add(waiting);
    store.injectFault('complete', hangs, 1);
    const options = { store, scope: 'tests', key: 'payment-1' };
    expect(await summarize(executeFromSource(() => 'paid', options))).toBe('paid, unrecorded');
    await expect.poll(async () => (await recordOf(store.inner, recordNameIn(store)))?.state).toBe('completed');
    expect(await summarize(executeFromSource(() => 'paid', options))).toBe('expired');
    expect(notKept.map(({ reason }) => reason)).toEqual(['too many results wait for the store']);
  });
});
