// A store that refuses the bytes of an outcome: the work is recorded as done without them, at once or in the background.
import { type Events, execute, onEvent, StoreError, type StoreErrorClass, type StoreRefusal } from '@onceguard/core';
import { type FaultStore, failsAfter, failsBefore, hangs, type Interference } from '@onceguard/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { execute as executeFromSource } from '../../packages/core/src/engine/execute.js';
import { StoreLink } from '../../packages/core/src/engine/store-link.js';
import type { Completion } from '../../packages/core/src/protocol/messages.js';
import { withVerbs } from '../adapters/stores.js';
import { told } from './told.js';
import { memoryWorld, nameIn, onEveryStore, recordOf, stateOf } from './world.js';

const pay = (store: FaultStore) => told(execute(() => 'paid', { store, scope: 'tests', key: 'payment-1' }));

const refuses =
  (storeClass: StoreErrorClass, refusal: StoreRefusal): Interference =>
  async () => {
    throw new StoreError(storeClass, `It is ${refusal}.`, { refusal });
  };

/** Whether each call of `complete` had the outcome's bytes. */
const bytesSent = (store: FaultStore) =>
  store.calls.filter(({ verb }) => verb === 'complete').map(({ args }) => (args[1] as Completion).outcome !== null);

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function eventsOf<Name extends 'outcome_not_kept' | 'answered_unrecorded' | 'recorded_late'>(
  name: Name,
): Events[Name][] {
  const events: Events[Name][] = [];
  ends.push(onEvent(name, (event) => events.push(event)));
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
      const { store } = open({ timeoutMs: 5_000 });
      const [notKept, unrecorded] = [eventsOf('outcome_not_kept'), eventsOf('answered_unrecorded')];
      store.on('complete', refuses(storeClass, refusal), 1);
      expect(await pay(store)).toBe('paid, recorded');
      expect(bytesSent(store)).toEqual([true, false]);
      expect(await pay(store)).toBe('expired');
      expect(notKept).toEqual([{ store: store.name, name: nameIn(store), reason: `It is ${refusal}.` }]);
      expect(unrecorded).toEqual([]);
    },
  );

  it.each(['unknown', 'unavailable'] as const)(
    'is recorded without them where only calls with many bytes fail, each in the same way (%s)',
    async (storeClass) => {
      const { store } = open({ timeoutMs: 200 });
      const { inner } = store;
      store.inner = withVerbs(inner, {
        complete: async (lease, completion) => {
          if (completion.outcome !== null) throw new StoreError(storeClass, 'The connection was lost.');
          return await inner.complete(lease, completion);
        },
      });
      const notKept = eventsOf('outcome_not_kept');
      const large = () => told(execute(() => 'x'.repeat(100_000), { store, scope: 'tests', key: 'payment-1' }));
      expect(await large()).toMatch(/^x+, recorded$/);
      expect(await large()).toBe('expired');
      expect(notKept.map(({ reason }) => reason)).toEqual(['The connection was lost.']);
    },
  );

  it('keeps many bytes where all calls failed for a while, or the store takes them in the end', async () => {
    const { store } = open({ timeoutMs: 200 });
    let isAway = true;
    const { inner } = store;
    store.inner = withVerbs(inner, {
      complete: async (lease, completion) => {
        if (isAway) throw new StoreError('unavailable', 'It is away.');
        return await inner.complete(lease, completion);
      },
      read: async (key) => {
        isAway = false;
        return await inner.read(key);
      },
    });
    const large = () => told(execute(() => 'x'.repeat(100_000), { store, scope: 'tests', key: 'payment-1' }));
    expect(await large()).toMatch(/^x+, recorded$/);
    expect(await large()).toMatch(/^x+, replayed$/);
  });

  it('is recorded without them in the background, where the store did not answer before', async () => {
    const { store } = open();
    const [notKept, late] = [eventsOf('outcome_not_kept'), eventsOf('recorded_late')];
    store.on('complete', hangs, 1);
    store.on('complete', refuses('misconfigured', 'full'), 2);
    expect(await pay(store)).toBe('paid, unrecorded');
    expect(await stateOf(store)).toBe('completed');
    expect(await pay(store)).toBe('expired');
    expect(bytesSent(store)).toEqual([true, true, false]);
    expect([notKept.length, late.map(({ kind }) => kind)]).toEqual([1, ['ok']]);
  });

  it('keeps the bytes that an earlier call recorded without an answer', async () => {
    const { store } = open({ timeoutMs: 5_000 });
    store.on('complete', failsAfter, 1);
    store.on('complete', refuses('misconfigured', 'full'), 2);
    expect(await pay(store)).toBe('paid, recorded');
    expect(await pay(store)).toBe('paid, replayed');
  });

  it.each(['bug', 'misconfigured', 'damaged'] as const)(
    'is recorded in the background as soon as the store takes it, whatever it said before (%s)',
    async (storeClass) => {
      const { store } = open({ timeoutMs: 5_000 });
      for (const call of [1, 2, 3]) store.on('complete', failsBefore(storeClass), call);
      expect(await pay(store)).toBe('paid, unrecorded');
      expect(await stateOf(store)).toBe('completed');
      expect(await pay(store)).toBe('paid, replayed');
    },
  );
});

describe('While more results than 64 MiB wait for the store', () => {
  it('a further one is recorded in the background without its bytes', async () => {
    const { store } = memoryWorld();
    const notKept = eventsOf('outcome_not_kept');
    const waiting = { bytes: 64 * 2 ** 20, giveUp: () => {}, attempt: () => new Promise<never>(() => {}) };
    void StoreLink.of(store).outcomes.add(waiting);
    store.on('complete', hangs, 1);
    const options = { store, scope: 'tests', key: 'payment-1' };
    expect(await told(executeFromSource(() => 'paid', options))).toBe('paid, unrecorded');
    await expect.poll(async () => (await recordOf(store.inner, nameIn(store)))?.state).toBe('completed');
    expect(await told(executeFromSource(() => 'paid', options))).toBe('expired');
    expect(notKept.map(({ reason }) => reason)).toEqual(['too many results wait for the store']);
  });
});
