// A store that fails as told, in front of one that does not.
import { MemoryStore } from '@onceguard/core';
import {
  type FaultRule,
  FaultStore,
  failsAfter,
  failsBefore,
  hangs,
  hangsAfter,
  manualClock,
  runFirst,
  storeSuite,
} from '@onceguard/testing';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { acquireRequest } from '../engine/rival-owner.js';

storeSuite({
  name: 'FaultStore without a fault, on memory',
  runner: { describe, test },
  capabilities: { shared: false, durable: false, controllableClock: true },
  async create() {
    const clock = manualClock();
    const store = new FaultStore(new MemoryStore({ clock: clock.now }));
    return { store, advance: clock.advance, close: async () => {} };
  },
});

let store: FaultStore;
beforeEach(() => {
  store = new FaultStore(new MemoryStore({ callTimeoutMs: 700 }));
});

/** Whether the call takes effect, and what comes of it: an answer, an error of some class, or nothing. */
const interferences: readonly (readonly [name: string, FaultRule, hasEffect: boolean, comes: string])[] = [
  ['failsBefore()', failsBefore(), false, 'unavailable'],
  ["failsBefore('misconfigured')", failsBefore('misconfigured'), false, 'misconfigured'],
  ['failsAfter', failsAfter, true, 'unknown'],
  ['hangs', hangs, false, 'nothing'],
  ['hangsAfter', hangsAfter, true, 'nothing'],
  ['preceded(…)', runFirst(() => {}), true, 'acquired'],
];

test.each(interferences)(
  '%s: the call takes effect: %s; what comes of it: %s',
  async (_, interference, ...expected) => {
    store.injectFault('acquire', interference);
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

test('runFirst runs its function before the call', async () => {
  store.injectFault(
    'acquire',
    runFirst(async () => await store.inner.acquire('key', await acquireRequest(store.inner))),
  );
  expect((await acquire('key')).kind).toBe('in_progress');
});

test('A fault for one call strikes that one, counted from the first of its verb; healed, none strikes', async () => {
  store.injectFault('acquire', failsBefore(), 2);
  store.injectFault('remove', failsBefore());
  expect((await acquire('one')).kind).toBe('acquired');
  await expect(acquire('two')).rejects.toThrow('told to fail before');
  expect((await acquire('three')).kind).toBe('acquired');
  for (const key of ['one', 'three']) await expect(store.remove(key)).rejects.toThrow('told to fail before');
  store.clearFaults();
  await store.remove('one');
});

test('Calls are recorded, and one can await the nth', async () => {
  const twice = vi.fn();
  const told = store.waitForCalls('acquire', 2).then(twice);
  store.injectFault('acquire', hangs, 2);
  await acquire('one');
  expect(twice).not.toHaveBeenCalled();
  void acquire('two');
  await told;
  await store.waitForCalls('acquire', 1);
  expect(store.callsOf('acquire').map(({ method, key }) => [method, key])).toEqual([
    ['acquire', 'one'],
    ['acquire', 'two'],
  ]);
  expect(store.calls.map(({ method }) => method)).toEqual(['read', 'acquire', 'read', 'acquire']);
});

test('Its deadline is that of the store within, or its own', () => {
  expect(store.callTimeoutMs).toBe(700);
  expect(new FaultStore(store, 50).callTimeoutMs).toBe(50);
});

async function acquire(key: string) {
  return await store.acquire(key, await acquireRequest(store));
}
