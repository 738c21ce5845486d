// MemoryStore: it drops expired records without ever scanning all records.
import { describe, expect, test } from 'vitest';
import { hourMs, openStore } from './open-memory-store.js';

describe('Expiry in a MemoryStore', () => {
  test('frees the bytes of expired outcomes, and keeps the tombstones', async () => {
    const { store, clock, acquire, complete } = openStore({ maxBytes: 1_000_000 });
    for (let index = 0; index < 9; index += 1) await complete(await acquire(`k-${index}`), 100_000);
    const lease = await acquire('next');
    await expect(complete(lease, 500_000)).rejects.toThrow('maxBytes');
    clock.advance(hourMs);
    expect((await complete(lease, 500_000)).kind).toBe('ok');
    for (let index = 0; index < 9; index += 1) {
      const { record } = await store.read(`k-${index}`);
      expect(record).toMatchObject({ state: 'completed', outcome: null });
    }
  });

  test('a thousand records that expire in any order are all dropped, a few per call', async () => {
    const { store, clock, acquire } = openStore({ maxRecords: 1_000 });
    const lives = Array.from({ length: 1_000 }, (_, index) => ((index * 7_919) % 1_000) + 1);
    for (const [index, lifeMs] of lives.entries()) {
      await acquire(`k-${index}`, { leaseMs: 1, recordTtlMs: lifeMs, unknownTtlMs: lifeMs });
    }
    for (let round = 0; round < 10; round += 1) {
      clock.advance(100);
      const left = new Set((await store.scan({ cursor: null, limit: 2_000 })).records.map(({ key }) => key));
      const passed = (round + 1) * 100;
      const expected = lives.flatMap((lifeMs, index) => (1 + lifeMs > passed ? [`k-${index}`] : []));
      expect([...left].sort()).toEqual(expected.sort());
    }
    clock.advance(1);
    for (let index = 0; index < 1_000; index += 1) await acquire(`again-${index}`);
  });

  test('a record whose lifetime changed is dropped at its new expiry', async () => {
    const { store, clock, acquire, complete } = openStore({ maxRecords: 2 });
    const renewed = await acquire('renewed', { leaseMs: 10, recordTtlMs: 10, unknownTtlMs: 10 });
    const completed = await acquire('completed', { unknownTtlMs: 900 * hourMs, onAbandoned: 'block' });
    await store.renew(renewed, 5 * hourMs);
    await complete(completed, 10);
    clock.advance(2 * hourMs);
    expect((await acquire('third')).attempt).toBe(1);
    expect((await store.read('completed')).record).toBeNull();
    expect((await store.read('renewed')).record?.state).toBe('in_progress');
    await expect(acquire('fourth')).rejects.toThrow('maxRecords');
  });

  test('a store that empties and fills again keeps the new records under the same keys', async () => {
    const { store, clock, acquire } = openStore({ maxRecords: 1 });
    for (let round = 0; round < 5; round += 1) {
      await acquire('a');
      await store.read('b');
      expect((await store.read('a')).record?.attempt).toBe(1);
      clock.advance(3 * hourMs);
      expect((await store.scan({ cursor: null, limit: 10 })).records).toEqual([]);
    }
  });

  test('a clock that steps back neither restores an expired record nor drops a live one', async () => {
    const { store, clock, acquire, complete } = openStore({});
    await complete(await acquire('a'), 10);
    clock.advance(-hourMs);
    expect((await store.read('a')).record?.outcome?.byteLength).toBe(10);
    clock.advance(3 * hourMs);
    await acquire('b');
    clock.advance(-3 * hourMs);
    expect((await store.read('a')).record).toBeNull();
  });
});
