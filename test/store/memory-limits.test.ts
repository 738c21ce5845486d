// MemoryStore: bounded by refusing, and rid of what is over without ever looking at all of it.
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../packages/core/src/errors.js';
import type { AcquireRequest, Lease } from '../../packages/core/src/protocol/index.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import type { MemoryStoreOptions } from '../../packages/core/src/stores/memory/memory-store-options.js';
import { manualClock } from '../../packages/testing/src/index.js';

const hourMs = 3_600_000;
const terms = { recordTtlMs: 2 * hourMs, outcomeTtlMs: 2 * hourMs, unknownTtlMs: 2 * hourMs };

describe('a full MemoryStore', () => {
  test('refuses a new record beyond maxRecords as unavailable, and names the option', async () => {
    const { store, own } = openStore({ maxRecords: 3 });
    for (const key of ['a', 'b', 'c']) await own(key);
    await expect(own('d')).rejects.toThrow(/^MemoryStore is full: maxRecords is 3\. .*raise maxRecords/);
    await expect(own('d')).rejects.toSatisfy((error) => error instanceof StoreError && error.class === 'unavailable');
    expect((await store.read('d')).record).toBeNull();
    for (const key of ['a', 'b', 'c']) expect((await store.read(key)).record?.state).toBe('in_progress');
  });

  test('still serves the records that it has: renew, release, the next attempt', async () => {
    const { store, own } = openStore({ maxRecords: 1 });
    const lease = await own('a');
    expect((await store.renew(lease, 3 * hourMs)).kind).toBe('ok');
    expect((await store.release(lease, { as: 'retryable' })).kind).toBe('ok');
    expect((await own('a')).attempt).toBe(2);
  });

  test('refuses an outcome beyond maxBytes as unavailable, changes nothing, and takes a smaller one', async () => {
    const { store, own, complete } = openStore({ maxBytes: 20_000 });
    const lease = await own('a');
    await expect(complete(lease, 20_000)).rejects.toThrow(/^MemoryStore is full: maxBytes is 20000\. .*raise maxBytes/);
    expect((await store.read('a')).record?.state).toBe('in_progress');
    expect((await complete(lease, 10_000)).kind).toBe('ok');
    expect((await store.read('a')).record?.outcome?.byteLength).toBe(10_000);
  });

  test('counts steps and texts too, and gives back what is no longer kept', async () => {
    const { store, own } = openStore({ maxBytes: 19_000 });
    const lease = await own('a');
    const point = (step: string, seq: number) => store.checkpoint(lease, { step, seq, bytes: Buffer.alloc(9_000) });
    await point('first', 1);
    await expect(point('second', 1)).rejects.toThrow('maxBytes');
    for (let seq = 2; seq < 10; seq += 1) expect((await point('first', seq)).kind).toBe('ok');
    await store.complete(lease, { outcome: null, outcomeTtlMs: 1, note: null, notAfter: 0 });
    const next = await own('b');
    expect((await store.checkpoint(next, { step: 's', seq: 1, bytes: Buffer.alloc(9_000) })).kind).toBe('ok');
  });

  test('does not count a record twice that is written again and again', async () => {
    const { store, own } = openStore({ maxBytes: 16_000 });
    for (let round = 0; round < 200; round += 1) {
      const lease = await own('a');
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n'.repeat(1_000) });
      await store.remove('a');
    }
    expect((await own('a')).attempt).toBe(1);
  });

  test('makes room with what is over, however much of it there is, before it refuses', async () => {
    const { clock, own, complete } = openStore({ maxRecords: 1_000, maxBytes: 3_000_000 });
    for (let at = 0; at < 500; at += 1) await complete(await own(`old-${at}`), 3_000);
    const lease = await own('new', { recordTtlMs: 9 * hourMs });
    await expect(complete(lease, 2_000_000)).rejects.toThrow('maxBytes');
    clock.advance(2 * hourMs);
    expect((await complete(lease, 2_000_000)).kind).toBe('ok');
  });
});

describe('What has begun in a MemoryStore that is full', () => {
  const longest = 'n'.repeat(1_024);

  /** A store with as many attempts in progress as it takes, and their leases. */
  async function filled() {
    const one = openStore({ maxBytes: 100_000, maxScopeShare: 1 });
    const leases: Lease[] = [];
    try {
      for (;;) leases.push(await one.own(`k-${leases.length}`, { onAbandoned: 'block' }));
    } catch (error) {
      expect(error).toMatchObject({ class: 'unavailable', refusal: 'full' });
    }
    expect(leases.length).toBeGreaterThan(5);
    return { ...one, leases };
  }

  test('can be completed without its outcome, with the longest note', async () => {
    const { store, leases } = await filled();
    for (const lease of leases) {
      const completion = { outcome: null, outcomeTtlMs: 1, note: longest, notAfter: 0 };
      expect((await store.complete(lease, completion)).kind).toBe('ok');
    }
  });

  test('can be left unknown, and be decided about with the longest reason', async () => {
    const { store, leases } = await filled();
    const why = { by: longest, reason: longest, note: longest };
    for (const lease of leases) {
      const { key, fencingToken: expectedFencingToken } = lease;
      expect((await store.release(lease, { as: 'unknown', retryAfterMs: null, note: longest })).kind).toBe('ok');
      const decision = { ...terms, ...why, expectedFencingToken, as: 'done', outcome: null, outcomeTtlMs: 1 } as const;
      expect((await store.resolve(key, decision)).kind).toBe('ok');
    }
  });

  test('can be renewed, and still finds room for the result of a step', async () => {
    const { store, leases } = await filled();
    const [first] = leases;
    if (first === undefined) throw new Error('no lease');
    expect((await store.renew(first, 3 * hourMs)).kind).toBe('ok');
    expect((await store.checkpoint(first, { step: 's', seq: 2, bytes: Buffer.alloc(5_000) })).kind).toBe('ok');
  });
});

describe('One scope in a MemoryStore', () => {
  test('has a quarter of the records by default; beyond it its new keys are refused, and those of others are not', async () => {
    const { own, store } = openStore({ maxRecords: 12 });
    for (const key of ['a', 'b', 'c']) await own(key, { scope: 'tenant-1' });
    const refused = own('d', { scope: 'tenant-1' });
    await expect(refused).rejects.toThrow(
      /no more room for this scope: maxScopeShare is 0\.25\. .*raise maxScopeShare/,
    );
    await expect(refused).rejects.toMatchObject({ class: 'unavailable', refusal: 'full' });
    expect((await store.read('d')).record).toBeNull();
    for (const key of ['d', 'e', 'f']) await own(key, { scope: 'tenant-2' });
    for (const key of ['g', 'h', 'i', 'j', 'k', 'l']) await own(key);
  });

  test('has that part of the bytes, outcomes included', async () => {
    const { own, complete } = openStore({ maxBytes: 100_000, maxScopeShare: 0.5 });
    await complete(await own('a', { scope: 'tenant-1' }), 30_000);
    const lease = await own('b', { scope: 'tenant-1' });
    await expect(complete(lease, 30_000)).rejects.toMatchObject({ message: expect.stringContaining('maxScopeShare') });
    expect((await complete(lease, 5_000)).kind).toBe('ok');
    expect((await complete(await own('c', { scope: 'tenant-2' }), 30_000)).kind).toBe('ok');
  });

  test('gets its room back as its records end', async () => {
    const { clock, own, store } = openStore({ maxRecords: 4 });
    for (let round = 0; round < 5; round += 1) {
      await own(`a-${round}`, { scope: 'tenant-1' });
      await expect(own('b', { scope: 'tenant-1' })).rejects.toThrow('maxScopeShare');
      clock.advance(3 * hourMs);
      expect((await store.scan({ cursor: null, limit: 10 })).records).toEqual([]);
    }
  });

  test('may have all of it where the option says so', async () => {
    const { own } = openStore({ maxRecords: 3, maxScopeShare: 1 });
    for (const key of ['a', 'b', 'c']) await own(key, { scope: 'tenant-1' });
    await expect(own('d', { scope: 'tenant-1' })).rejects.toThrow('maxRecords is 3');
  });
});

describe('time in a MemoryStore', () => {
  test('frees the bytes of outcomes when their time is over, and keeps the tombstones', async () => {
    const { store, clock, own, complete } = openStore({ maxBytes: 1_000_000 });
    for (let at = 0; at < 9; at += 1) await complete(await own(`k-${at}`), 100_000);
    const lease = await own('next');
    await expect(complete(lease, 500_000)).rejects.toThrow('maxBytes');
    clock.advance(hourMs);
    expect((await complete(lease, 500_000)).kind).toBe('ok');
    for (let at = 0; at < 9; at += 1) {
      const { record } = await store.read(`k-${at}`);
      expect(record).toMatchObject({ state: 'completed', outcome: null });
    }
  });

  test('a thousand records that end in any order all leave, a few per call', async () => {
    const { store, clock, own } = openStore({ maxRecords: 1_000 });
    const lives = Array.from({ length: 1_000 }, (_, at) => ((at * 7_919) % 1_000) + 1);
    for (const [at, lifeMs] of lives.entries()) {
      await own(`k-${at}`, { leaseMs: 1, recordTtlMs: lifeMs, unknownTtlMs: lifeMs });
    }
    for (let round = 0; round < 10; round += 1) {
      clock.advance(100);
      const left = new Set((await store.scan({ cursor: null, limit: 2_000 })).records.map(({ key }) => key));
      const passed = (round + 1) * 100;
      const expected = lives.flatMap((lifeMs, at) => (1 + lifeMs > passed ? [`k-${at}`] : []));
      expect([...left].sort()).toEqual(expected.sort());
    }
    clock.advance(1);
    for (let at = 0; at < 1_000; at += 1) await own(`again-${at}`);
  });

  test('a record that is renewed or shortened leaves at its own time, not at an earlier or later one', async () => {
    const { store, clock, own, complete } = openStore({ maxRecords: 2 });
    const renewed = await own('renewed', { leaseMs: 10, recordTtlMs: 10, unknownTtlMs: 10 });
    const completed = await own('completed', { unknownTtlMs: 900 * hourMs, onAbandoned: 'block' });
    await store.renew(renewed, 5 * hourMs);
    await complete(completed, 10);
    clock.advance(2 * hourMs);
    expect((await own('third')).attempt).toBe(1);
    expect((await store.read('completed')).record).toBeNull();
    expect((await store.read('renewed')).record?.state).toBe('in_progress');
    await expect(own('fourth')).rejects.toThrow('maxRecords');
  });

  test('a store that empties and fills again keeps what is new under the same keys', async () => {
    const { store, clock, own } = openStore({ maxRecords: 1 });
    for (let round = 0; round < 5; round += 1) {
      await own('a');
      await store.read('b');
      expect((await store.read('a')).record?.attempt).toBe(1);
      clock.advance(3 * hourMs);
      expect((await store.scan({ cursor: null, limit: 10 })).records).toEqual([]);
    }
  });

  test('a clock that steps back brings nothing back and loses nothing that still counts', async () => {
    const { store, clock, own, complete } = openStore({});
    await complete(await own('a'), 10);
    clock.advance(-hourMs);
    expect((await store.read('a')).record?.outcome?.byteLength).toBe(10);
    clock.advance(3 * hourMs);
    await own('b');
    clock.advance(-3 * hourMs);
    expect((await store.read('a')).record).toBeNull();
  });
});

function openStore(options: MemoryStoreOptions) {
  const clock = manualClock();
  const store = new MemoryStore({ clock: clock.now, ...options });
  return {
    clock,
    store,
    async own(key: string, overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
      const fixed = {
        fingerprint: null,
        leaseMs: 10,
        onAbandoned: 'rerun',
        notAfter: 1e14,
        lastSeenFencingToken: 0,
      } as const;
      const { recordTtlMs = terms.recordTtlMs } = overrides;
      const outcomeTtlMs = Math.min(terms.outcomeTtlMs, recordTtlMs);
      const request = { ownerToken: randomUUID(), ...fixed, ...terms, outcomeTtlMs, ...overrides };
      const answer = await store.acquire(key, request);
      if (answer.kind !== 'acquired') throw new Error(`${key} is ${answer.kind}`);
      return { ...request, ...answer, key };
    },
    complete(lease: Lease, length: number) {
      const outcome = Buffer.alloc(length);
      return store.complete(lease, { outcome, outcomeTtlMs: hourMs, note: null, notAfter: 0 });
    },
  };
}
