// Housekeeping: what purge deletes, what it leaves, and that several may run at once.
import { idempotencyProtocol } from '@onceguard/core/store';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from './calls.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

beforeEach(async () => await testbed.deleteRecords());

afterAll(async () => await testbed.close());

const hourMs = 3_600_000;

test('purge deletes a record an hour after its end at the latest, with its steps', async () => {
  await recordWithStep('ended');
  await recordWithStep('alive');
  await moveBack('ended', 86_400_000 + 61_000 + hourMs + 60_000);
  expect(await testbed.store().purge()).toEqual({ deleted: 1, kept: 0 });
  expect(await countRows('onceguard_records')).toBe(1);
  expect(await countRows('onceguard_steps')).toBe(1);
});

test('Until a minute after its end the record stays, and its fencing token refuses the owner before', async () => {
  await recordWithStep('k');
  await moveBack('k', 86_400_000 + 60_000 + 30_000, 0);
  expect(await testbed.store().purge()).toEqual({ deleted: 0, kept: 1 });
  expect(await testbed.store().purge()).toEqual({ deleted: 0, kept: 0 });
});

test('purge deletes the bytes of an outcome that has ended, and keeps that the work is done', async () => {
  const store = testbed.store();
  const request = acquireRequest({ outcomeTtlMs: 60_000 });
  const lease = leaseOf('k', request, await store.acquire('k', request));
  await store.complete(lease, { ...completionOf('paid'), outcomeTtlMs: 60_000 });
  await moveBack('k', 120_000, 0);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 1 });
  const { rows } = await testbed.admin.query(`SELECT outcome FROM ${testbed.schema}.onceguard_records`);
  expect(rows).toEqual([{ outcome: null }]);
  expect(await store.acquire('k', acquireRequest({ ownerToken: 'other' }))).toMatchObject({ kind: 'expired' });
});

test('Purges of several processes divide the work: each record is deleted once, and at most max by each', async () => {
  const store = testbed.store();
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  await Promise.all(keys.map((key) => store.acquire(key, acquireRequest())));
  await moveBack('%', 10 * 86_400_000);
  const results = await Promise.all([store.purge(40), store.purge(40), store.purge(40)]);
  for (const { deleted } of results) expect(deleted).toBeLessThanOrEqual(40);
  while ((await store.purge(40)).deleted > 0);
  expect(await countRows('onceguard_records')).toBe(0);
});

test('A record that begins a new life while purge looks at it stays', async () => {
  const store = testbed.store();
  await store.acquire('k', acquireRequest());
  await moveBack('k', 10 * 86_400_000);
  const blocker = await testbed.admin.connect();
  await blocker.query(`BEGIN; SELECT 1 FROM ${testbed.schema}.onceguard_records FOR UPDATE`);
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  await blocker.query('ROLLBACK');
  blocker.release();
  const reply = await store.acquire('k', acquireRequest({ ownerToken: 'next' }));
  expect(reply).toMatchObject({ kind: 'acquired', attempt: 1 });
  expect(await store.purge()).toEqual({ deleted: 0, kept: 0 });
  const { record, now } = await store.read('k');
  expect(idempotencyProtocol.isLive(record, now)).toBe(true);
});

async function recordWithStep(key: string): Promise<void> {
  const store = testbed.store();
  const request = acquireRequest();
  const lease = leaseOf(key, request, await store.acquire(key, request));
  await store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('1') });
}

/** As if so much time had passed. */
async function moveBack(like: string, ms: number, dueAt?: number): Promise<void> {
  const due = dueAt === undefined ? `due_at - ${ms}` : String(dueAt);
  await testbed.admin.query(
    `UPDATE ${testbed.schema}.onceguard_records SET expires_at = expires_at - $2::bigint, due_at = ${due},
       lease_end_at = greatest(0, lease_end_at - $2::bigint),
       outcome_end_at = greatest(0, outcome_end_at - CASE WHEN outcome IS NULL THEN 0 ELSE $2::bigint END) WHERE key LIKE $1`,
    [like, ms],
  );
}

async function countRows(table: string): Promise<number> {
  const { rows } = await testbed.admin.query(`SELECT count(*)::int AS count FROM ${testbed.schema}.${table}`);
  return rows[0].count;
}
