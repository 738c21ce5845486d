// What purge deletes, and what it leaves.
import { CompareAndSwapStore } from '@onceguard/core/store';
import { manualClock } from '@onceguard/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from '../../postgres/calls.js';
import { MemoryTable } from './memory-table.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

const hour = 3_600_000;
let testbed: TableTestbed;

beforeAll(async () => {
  testbed = await openTableTestbed();
});

afterAll(async () => await testbed.close());

function inMemory() {
  const clock = manualClock();
  const table = new MemoryTable(clock.now);
  return { clock, table, store: new CompareAndSwapStore({ table }) };
}

/** Completes work whose outcome is kept for an hour, and whose record for two. */
async function complete(store: CompareAndSwapStore, key: string): Promise<void> {
  const request = acquireRequest({ recordTtlMs: 2 * hour, outcomeTtlMs: hour });
  const lease = leaseOf(key, request, await store.acquire(key, request));
  await store.complete(lease, { ...completionOf('paid'), outcomeTtlMs: hour });
}

test('An outcome is deleted after its time, the record a minute after its own, and nothing before', async () => {
  const { clock, table, store } = inMemory();
  await complete(store, 'k');
  const bytesBefore = table.rows.get('k')?.record.byteLength ?? 0;
  clock.advance(hour - 1);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  clock.advance(1);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 1 });
  expect(await store.acquire('k', acquireRequest())).toMatchObject({ kind: 'expired' });
  expect(table.rows.get('k')?.record.byteLength).toBeLessThan(bytesBefore);
  clock.advance(hour + 59_999);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  clock.advance(1);
  expect(table.rows.get('k')?.deletableAt).toBe(clock.now());
  expect(await store.purge()).toEqual({ deleted: 1, kept: 0 });
  expect(table.rows.size).toBe(0);
});

test('At most as many as asked are purged in a call, and calls in a row purge all', async () => {
  const { clock, store } = inMemory();
  const keys = Array.from({ length: 250 }, (_, n) => `k${n}`);
  for (const key of keys) await complete(store, key);
  clock.advance(3 * hour);
  expect(await store.purge(120)).toEqual({ deleted: 120, kept: 0 });
  expect(await store.purge(120)).toEqual({ deleted: 120, kept: 0 });
  expect(await store.purge(120)).toEqual({ deleted: 10, kept: 0 });
});

test('What cannot be read stays, and what comes after it is purged', async () => {
  const { clock, table, store } = inMemory();
  for (const key of ['a', 'b', 'c']) await complete(store, key);
  for (const key of ['a', 'b']) {
    const row = table.rows.get(key);
    if (row !== undefined) table.rows.set(key, { ...row, record: new Uint8Array(20) });
  }
  clock.advance(3 * hour);
  expect(await store.purge(1)).toEqual({ deleted: 1, kept: 0 });
  expect([...table.rows.keys()]).toEqual(['a', 'b']);
});

test('A record that is acquired while it is purged stays', async () => {
  const { clock, table, store } = inMemory();
  await complete(store, 'k');
  clock.advance(3 * hour);
  const list = table.list.bind(table);
  table.list = async (request) => {
    const page = await list(request);
    await store.acquire('k', acquireRequest());
    return page;
  };
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  expect((await store.read('k')).record).toMatchObject({ state: 'in_progress' });
});

test('How many are purged is a whole number above 0', async () => {
  await expect(inMemory().store.purge(0)).rejects.toMatchObject({
    class: 'bug',
    message: expect.stringMatching(/limit is 0/),
  });
});

test('On a table of PostgreSQL, too: outcomes and records go when their time has come', async () => {
  const store = testbed.store(testbed.admin);
  const short = acquireRequest({ recordTtlMs: 1, outcomeTtlMs: 1 });
  const lease = leaseOf('short', short, await store.acquire('short', short));
  await store.complete(lease, { ...completionOf('paid'), outcomeTtlMs: 1 });
  await complete(store, 'long');
  const { now } = await store.read('short');
  await expect.poll(async () => (await store.read('short')).now, { timeout: 30_000 }).toBeGreaterThan(now + 2);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 1 });
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  await testbed.admin.query('UPDATE idempotency_records SET due_at = 0');
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  expect((await store.read('long')).record).toMatchObject({ state: 'completed', outcome: expect.any(Uint8Array) });
});
