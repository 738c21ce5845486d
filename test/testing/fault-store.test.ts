// A store that fails as told, in front of one that does not.
import { MemoryStore } from '@onceguard/core';
import {
  FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  type Interference,
  manualClock,
  preceded,
  storeSuite,
} from '@onceguard/testing';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { acquireRequest } from '../engine/rival.js';

storeSuite({
  name: 'FaultStore without a fault, on memory',
  runner: { describe, test },
  capabilities: { shared: false, durable: false, clock: true },
  async create() {
    const clock = manualClock();
    const store = new FaultStore(new MemoryStore({ clock: clock.now }));
    return { store, advance: clock.advance, close: async () => {} };
  },
});

let store: FaultStore;
beforeEach(() => {
  store = new FaultStore(new MemoryStore({ storeTimeoutMs: 700 }));
});

/** Whether the call takes effect, and what comes of it: an answer, an error of some class, or nothing. */
const interferences: readonly (readonly [name: string, Interference, hasEffect: boolean, comes: string])[] = [
  ['failsBefore()', failsBefore(), false, 'unavailable'],
  ["failsBefore('misconfigured')", failsBefore('misconfigured'), false, 'misconfigured'],
  ['failsAfter', failsAfter, true, 'unknown'],
  ['hangs', hangs, false, 'nothing'],
  ['hangsAfter', hangsAfter, true, 'nothing'],
  ['preceded(…)', preceded(() => {}), true, 'acquired'],
];

test.each(interferences)(
  '%s: the call takes effect: %s; what comes of it: %s',
  async (_, interference, ...expected) => {
    store.on('acquire', interference);
    let comes = 'nothing';
    const called = acquire('key').then(
      ({ kind }) => (comes = kind),
      (error) => (comes = error.class),
    );
    await Promise.race([called, new Promise((resolve) => setImmediate(resolve))]);
    const { record } = await store.inner.read('key');
    expect([record !== null, comes]).toEqual(expected);
  },
);

test('What precedes a call is done before it', async () => {
  store.on(
    'acquire',
    preceded(async () => await store.inner.acquire('key', await acquireRequest(store.inner))),
  );
  expect((await acquire('key')).kind).toBe('in_progress');
});

test('A fault for one call strikes that one, counted from the first of its verb; healed, none strikes', async () => {
  store.on('acquire', failsBefore(), 2);
  store.on('remove', failsBefore());
  expect((await acquire('one')).kind).toBe('acquired');
  await expect(acquire('two')).rejects.toThrow('told to fail before');
  expect((await acquire('three')).kind).toBe('acquired');
  for (const key of ['one', 'three']) await expect(store.remove(key)).rejects.toThrow('told to fail before');
  store.heal();
  await store.remove('one');
});

test('It remembers the calls, and tells when there have been so many', async () => {
  const twice = vi.fn();
  const told = store.called('acquire', 2).then(twice);
  store.on('acquire', hangs, 2);
  await acquire('one');
  expect(twice).not.toHaveBeenCalled();
  void acquire('two');
  await told;
  await store.called('acquire', 1);
  expect(store.of('acquire').map(({ verb, key }) => [verb, key])).toEqual([
    ['acquire', 'one'],
    ['acquire', 'two'],
  ]);
  expect(store.calls.map(({ verb }) => verb)).toEqual(['read', 'acquire', 'read', 'acquire']);
});

test('Its deadline is that of the store within, or its own', () => {
  expect(store.timeoutMs).toBe(700);
  expect(new FaultStore(store, 50).timeoutMs).toBe(50);
});

async function acquire(key: string) {
  return await store.acquire(key, await acquireRequest(store));
}
