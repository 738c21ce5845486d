// MemoryStore: it rejects what exceeds its limits.
import { describe, expect, test } from 'vitest';
import { StoreError } from '../../packages/core/src/errors.js';
import type { Lease } from '../../packages/core/src/protocol/index.js';
import { hourMs, openStore, retention } from './open-memory-store.js';

describe('a full MemoryStore', () => {
  test('rejects a new record beyond maxRecords as unavailable, and names the option', async () => {
    const { store, acquire } = openStore({ maxRecords: 3 });
    for (const key of ['a', 'b', 'c']) await acquire(key);
    await expect(acquire('d')).rejects.toThrow(/^MemoryStore is full: maxRecords is 3\. .*raise maxRecords/);
    await expect(acquire('d')).rejects.toSatisfy(
      (error) => error instanceof StoreError && error.class === 'unavailable',
    );
    expect((await store.read('d')).record).toBeNull();
    for (const key of ['a', 'b', 'c']) expect((await store.read(key)).record?.state).toBe('in_progress');
  });

  test('still serves its records: renew, release, the next attempt', async () => {
    const { store, acquire } = openStore({ maxRecords: 1 });
    const lease = await acquire('a');
    expect((await store.renew(lease, 3 * hourMs)).kind).toBe('ok');
    expect((await store.release(lease, { as: 'retryable' })).kind).toBe('ok');
    expect((await acquire('a')).attempt).toBe(2);
  });

  test('rejects an outcome beyond maxBytes as unavailable, changes nothing, and accepts a smaller one', async () => {
    const { store, acquire, complete } = openStore({ maxBytes: 20_000 });
    const lease = await acquire('a');
    await expect(complete(lease, 20_000)).rejects.toThrow(/^MemoryStore is full: maxBytes is 20000\. .*raise maxBytes/);
    expect((await store.read('a')).record?.state).toBe('in_progress');
    expect((await complete(lease, 10_000)).kind).toBe('ok');
    expect((await store.read('a')).record?.outcome?.byteLength).toBe(10_000);
  });

  test('counts steps and texts too, and frees the room of what it no longer keeps', async () => {
    const { store, acquire } = openStore({ maxBytes: 19_000 });
    const lease = await acquire('a');
    const checkpoint = (step: string, seq: number) =>
      store.checkpoint(lease, { step, seq, bytes: Buffer.alloc(9_000) });
    await checkpoint('first', 1);
    await expect(checkpoint('second', 1)).rejects.toThrow('maxBytes');
    for (let seq = 2; seq < 10; seq += 1) expect((await checkpoint('first', seq)).kind).toBe('ok');
    await store.complete(lease, { outcome: null, outcomeTtlMs: 1, note: null, notAfter: 0 });
    const next = await acquire('b');
    expect((await store.checkpoint(next, { step: 's', seq: 1, bytes: Buffer.alloc(9_000) })).kind).toBe('ok');
  });

  test('counts a record once, however often it is written', async () => {
    const { store, acquire } = openStore({ maxBytes: 16_000 });
    for (let round = 0; round < 200; round += 1) {
      const lease = await acquire('a');
      await store.release(lease, { as: 'unknown', retryAfterMs: null, note: 'n'.repeat(1_000) });
      await store.remove('a');
    }
    expect((await acquire('a')).attempt).toBe(1);
  });

  test('drops all expired records before it rejects a call', async () => {
    const { clock, acquire, complete } = openStore({ maxRecords: 1_000, maxBytes: 3_000_000 });
    for (let index = 0; index < 500; index += 1) await complete(await acquire(`old-${index}`), 3_000);
    const lease = await acquire('new', { recordTtlMs: 9 * hourMs });
    await expect(complete(lease, 2_000_000)).rejects.toThrow('maxBytes');
    clock.advance(2 * hourMs);
    expect((await complete(lease, 2_000_000)).kind).toBe('ok');
  });
});

describe('An attempt that has begun in a full MemoryStore', () => {
  const longest = 'n'.repeat(1_024);

  /** A store with as many running attempts as it accepts, and their leases. */
  async function filled() {
    const filledStore = openStore({ maxBytes: 100_000, maxScopeShare: 1 });
    const leases: Lease[] = [];
    try {
      for (;;) leases.push(await filledStore.acquire(`k-${leases.length}`, { onAbandoned: 'block' }));
    } catch (error) {
      expect(error).toMatchObject({ class: 'unavailable', refusal: 'full' });
    }
    expect(leases.length).toBeGreaterThan(5);
    return { ...filledStore, leases };
  }

  test('can be completed without its outcome, with the longest note', async () => {
    const { store, leases } = await filled();
    for (const lease of leases) {
      const completion = { outcome: null, outcomeTtlMs: 1, note: longest, notAfter: 0 };
      expect((await store.complete(lease, completion)).kind).toBe('ok');
    }
  });

  test('can be released as unknown, and resolved with the longest reason', async () => {
    const { store, leases } = await filled();
    const why = { by: longest, reason: longest, note: longest };
    for (const lease of leases) {
      const { key, fencingToken: expectedFencingToken } = lease;
      expect((await store.release(lease, { as: 'unknown', retryAfterMs: null, note: longest })).kind).toBe('ok');
      const decision = {
        ...retention,
        ...why,
        expectedFencingToken,
        as: 'done',
        outcome: null,
        outcomeTtlMs: 1,
      } as const;
      expect((await store.resolve(key, decision)).kind).toBe('ok');
    }
  });

  test('can be renewed, and still has room for the result of a step', async () => {
    const { store, leases } = await filled();
    const [first] = leases;
    if (first === undefined) throw new Error('no lease');
    expect((await store.renew(first, 3 * hourMs)).kind).toBe('ok');
    expect((await store.checkpoint(first, { step: 's', seq: 2, bytes: Buffer.alloc(5_000) })).kind).toBe('ok');
  });
});

describe('One scope in a MemoryStore', () => {
  test('may use a quarter of the records by default; beyond it only its own new keys are rejected', async () => {
    const { acquire, store } = openStore({ maxRecords: 12 });
    for (const key of ['a', 'b', 'c']) await acquire(key, { scope: 'tenant-1' });
    const refused = acquire('d', { scope: 'tenant-1' });
    await expect(refused).rejects.toThrow(
      /no more room for this scope: maxScopeShare is 0\.25\. .*raise maxScopeShare/,
    );
    await expect(refused).rejects.toMatchObject({ class: 'unavailable', refusal: 'full' });
    expect((await store.read('d')).record).toBeNull();
    for (const key of ['d', 'e', 'f']) await acquire(key, { scope: 'tenant-2' });
    for (const key of ['g', 'h', 'i', 'j', 'k', 'l']) await acquire(key);
  });

  test('may use the same share of the bytes, including outcomes', async () => {
    const { acquire, complete } = openStore({ maxBytes: 100_000, maxScopeShare: 0.5 });
    await complete(await acquire('a', { scope: 'tenant-1' }), 30_000);
    const lease = await acquire('b', { scope: 'tenant-1' });
    await expect(complete(lease, 30_000)).rejects.toMatchObject({ message: expect.stringContaining('maxScopeShare') });
    expect((await complete(lease, 5_000)).kind).toBe('ok');
    expect((await complete(await acquire('c', { scope: 'tenant-2' }), 30_000)).kind).toBe('ok');
  });

  test('gets its room back as its records expire', async () => {
    const { clock, acquire, store } = openStore({ maxRecords: 4 });
    for (let round = 0; round < 5; round += 1) {
      await acquire(`a-${round}`, { scope: 'tenant-1' });
      await expect(acquire('b', { scope: 'tenant-1' })).rejects.toThrow('maxScopeShare');
      clock.advance(3 * hourMs);
      expect((await store.scan({ cursor: null, limit: 10 })).records).toEqual([]);
    }
  });

  test('may use everything if maxScopeShare is 1', async () => {
    const { acquire } = openStore({ maxRecords: 3, maxScopeShare: 1 });
    for (const key of ['a', 'b', 'c']) await acquire(key, { scope: 'tenant-1' });
    await expect(acquire('d', { scope: 'tenant-1' })).rejects.toThrow('maxRecords is 3');
  });
});
