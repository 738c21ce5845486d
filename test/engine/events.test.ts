// Every event that the engine publishes: once, with what happened, and at no cost where nobody listens.
import { channel } from 'node:diagnostics_channel';
import { drainStore, type EventName, listDoubts, MemoryStore, onEvent, StoreError } from '@onceguard/core';
import { failsBefore, hangs } from '@onceguard/testing';
import { describe, expect, it, vi } from 'vitest';
import { StoreClient } from '../../packages/core/src/engine/store-client.js';
import { publish } from '../../packages/core/src/events.js';
import { executeIdempotently as executeFromSource } from '../../packages/core/src/functions/execute-idempotently.js';
import { endingRows } from './ending-event-rows.js';
import { type EventRow, pay, untilSignalAborts } from './event-rows.js';
import { memoryTestbed, recordNameIn } from './store-testbed.js';

const rows: EventRow[] = [
  ...endingRows,
  {
    event: 'acquired',
    when: 'an attempt begins',
    act: ({ store }) => pay(store),
    content: { attempt: 1, fencingToken: expect.any(Number), takeover: false },
  },
  {
    event: 'replayed',
    when: 'a repeat is answered from the record',
    before: ({ store }) => pay(store),
    act: ({ store }) => pay(store),
    content: { completedAt: Date.UTC(2030, 6, 1), ageMs: expect.any(Number), from: 'store' },
  },
  {
    event: 'lease_lost',
    when: 'an owner learns that another has its lease',
    act: ({ store }) =>
      pay(
        store,
        async (context) => {
          await store.inner.remove(recordNameIn(store));
          await untilSignalAborts(context);
        },
        { leaseMs: 3_000 },
      ),
    content: { attempt: 1, reason: expect.stringContaining('taken over') },
  },
  {
    event: 'stale_commit',
    when: 'an owner finishes that was overtaken',
    act: ({ store }) => pay(store, () => store.inner.remove(recordNameIn(store))),
    content: { attempt: 1, standing: 'retryable' },
  },
  {
    event: 'stale_commit',
    when: 'the background learns that an owner was overtaken',
    act: async ({ store }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store, () => store.inner.remove(recordNameIn(store)));
      await drainStore(store);
    },
    content: { attempt: 1, standing: 'retryable' },
  },
  {
    event: 'store_error',
    when: 'a call of the store fails, though its repetition succeeds',
    act: ({ store }) => {
      store.injectFault('acquire', failsBefore(), 1);
      return pay(store);
    },
    content: { verb: 'acquire', class: 'unavailable', error: expect.any(StoreError) },
  },
  {
    event: 'record_lost',
    when: 'a renewal finds the record gone and writes it anew',
    act: (world) =>
      pay(
        world.store,
        async () => {
          await world.loseRecord(recordNameIn(world.store));
          await world.store.waitForCalls('renew', 2);
        },
        { leaseMs: 3_000 },
      ),
    content: { verb: 'renew', restored: true },
  },
  {
    event: 'record_lost',
    when: 'the end finds the record gone and writes it anew',
    act: (world) => pay(world.store, () => world.loseRecord(recordNameIn(world.store))),
    content: { verb: 'complete', restored: true },
  },
  {
    event: 'record_lost',
    when: 'the end finds the record gone for good',
    act: ({ store, advance }) => pay(store, () => advance(2 * 86_400_000)),
    content: { verb: 'complete', restored: false },
  },
  {
    event: 'outcome_unrecorded',
    when: 'a caller gets a result that is not on record',
    act: async ({ store }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store);
      await drainStore(store);
    },
    content: { attempt: 1 },
  },
  {
    event: 'recorded_late',
    when: 'such a result is recorded at last',
    act: async ({ store }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store);
      await drainStore(store);
    },
    content: { attempt: 1, kind: 'recorded', reason: null },
  },
  {
    event: 'recorded_late',
    when: 'such a result is given up',
    act: async ({ store }) => {
      const { outcomeQueue } = StoreClient.forStore(store);
      const task = { bytes: 0, onGivenUp: () => {}, tryOnce: () => new Promise<never>(() => {}) };
      for (let count = 0; count < 10_000; count += 1) void outcomeQueue.add(task);
      store.injectFault('complete', hangs, 1);
      await executeFromSource(() => 'paid', { store, scope: 'tests', key: 'payment-1', operation: 'pay' });
    },
    content: { attempt: 1, kind: 'given_up', reason: 'too much is waiting for the store already' },
  },
  {
    event: 'recorded_late',
    when: 'another owner has taken over before such a result could be recorded',
    act: async ({ store }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store, () => store.inner.remove(recordNameIn(store)));
      await drainStore(store);
    },
    content: { attempt: 1, kind: 'lease_lost', reason: expect.stringContaining('taken over') },
  },
  {
    event: 'recorded_late',
    when: 'the store has lost the record of such a result for good',
    act: async ({ store, advance }) => {
      store.injectFault('complete', hangs, 1);
      await pay(store, () => advance(2 * 86_400_000));
      await drainStore(store);
    },
    content: { attempt: 1, kind: 'record_lost', reason: expect.stringContaining('lost the record') },
  },
  {
    event: 'rejected',
    when: 'a caller is refused',
    act: ({ store }) => pay(store, () => pay(store)),
    content: { code: 'in_progress' },
  },
];

describe('An event is published once, with what happened', () => {
  it.each(rows)('$event, when $when', async ({ event, before, act, content }) => {
    const world = memoryTestbed();
    await before?.(world);
    const heard: unknown[] = [];
    const stop = onEvent(event, (one) => heard.push(one));
    await act(world);
    stop();
    expect(heard).toEqual([{ store: 'memory', recordName: recordNameIn(world.store), operation: 'pay', ...content }]);
  });
});

describe('Events', () => {
  it('name no record where a page of many could not be read', async () => {
    const store = new MemoryStore();
    const refusesScan = Object.assign(Object.create(store), {
      scan: async () => {
        throw new StoreError('unavailable', 'not now');
      },
    });
    const heard: unknown[] = [];
    const stop = onEvent('store_error', (event) => heard.push(event));
    await expect(listDoubts(refusesScan)).rejects.toThrow('not now');
    stop();
    const content = { verb: 'scan', class: 'unavailable', error: expect.any(StoreError) };
    expect(heard).toEqual([{ store: 'memory', recordName: null, operation: null, ...content }]);
  });

  it('cost nothing where nobody listens: what they would say is not even computed', () => {
    const compute = vi.fn(() => ({ code: 'x', message: 'y' }));
    publish('warning', compute);
    expect(compute).not.toHaveBeenCalled();
    const heard = vi.fn();
    const stop = onEvent('warning', heard);
    publish('warning', compute);
    stop();
    publish('warning', compute);
    expect(compute).toHaveBeenCalledTimes(1);
    expect(heard.mock.calls).toEqual([[{ code: 'x', message: 'y' }]]);
  });

  it('are diagnostics channels, for those who know only the names', async () => {
    const heard: unknown[] = [];
    const listen = (event: unknown) => void heard.push(event);
    channel('onceguard:acquired').subscribe(listen);
    await pay(memoryTestbed().store);
    channel('onceguard:acquired').unsubscribe(listen);
    expect(heard).toHaveLength(1);
  });

  it('never carry the key of the caller', async () => {
    const heard: unknown[] = [];
    const names: EventName[] = ['acquired', 'replayed', 'rejected', 'store_error'];
    const stops = names.map((name) => onEvent(name, (event) => heard.push(event)));
    const { store } = memoryTestbed();
    store.injectFault('acquire', failsBefore(), 1);
    await pay(store, () => pay(store));
    await pay(store);
    for (const stop of stops) stop();
    expect(heard).toHaveLength(4);
    expect(JSON.stringify(heard)).not.toContain('payment-1');
  });
});
