// What a statement must not write any more when a lock has kept it waiting, and what two writers of one record leave behind.
import type { Lease } from '@onceguard/core/store';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from './calls.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';

let testbed: Testbed;
let blocker: PoolClient;

beforeAll(async () => {
  testbed = await openTestbed();
});

beforeEach(async () => {
  await testbed.deleteRecords();
  blocker = await testbed.admin.connect();
});

afterEach(() => blocker.release());

afterAll(async () => await testbed.close());

test('An acquisition that waits for the creation of the key until after notAfter creates nothing', async () => {
  const store = testbed.store();
  const { now } = await store.read('k');
  await blocker.query('BEGIN');
  await insertRow('k');
  const reply = store.acquire('k', acquireRequest({ notAfter: now + 3_000 }));
  await untilBlocked();
  await untilStoreTime(now + 3_001);
  await blocker.query('ROLLBACK');
  expect(await reply).toMatchObject({ kind: 'superseded' });
  expect((await store.read('k')).record).toBeNull();
});

test('An acquisition that waits for a lock until after notAfter takes over nothing', async () => {
  const store = testbed.store();
  const first = await store.acquire('k', acquireRequest({ ownerToken: 'first', leaseMs: 1 }));
  const { now } = first;
  await untilStoreTime(now + 2);
  await blocker.query('BEGIN');
  await blocker.query(`SELECT 1 FROM ${testbed.schema}.onceguard_records FOR UPDATE`);
  const reply = store.acquire('k', acquireRequest({ ownerToken: 'second', notAfter: now + 3_000 }));
  await untilBlocked();
  await untilStoreTime(now + 3_001);
  await blocker.query('ROLLBACK');
  expect(await reply).toMatchObject({ kind: 'superseded' });
  expect((await store.read('k')).record).toMatchObject({ ownerToken: 'first', attempt: 1 });
});

test('A takeover that waits while the owner renews finds the lease alive', async () => {
  const store = testbed.store();
  const lease = await acquireLease('k', 1);
  await untilStoreTime(lease.leaseEndAt + 1);
  await blocker.query('BEGIN');
  await blocker.query(
    `UPDATE ${testbed.schema}.onceguard_records SET version = version + 1, lease_end_at = lease_end_at + 60000`,
  );
  const reply = store.acquire('k', acquireRequest({ ownerToken: 'second' }));
  await untilBlocked();
  await blocker.query('COMMIT');
  expect(await reply).toMatchObject({ kind: 'in_progress' });
});

test('A write of an earlier life of the key does not meet a later one at the same version', async () => {
  const store = testbed.store();
  const lease = await acquireLease('k', 60_000);
  await testbed.deleteRecords();
  await acquireLease('k', 60_000, 'second');
  expect(await store.complete(lease, completionOf('late'))).toMatchObject({ kind: 'lost' });
  expect((await store.read('k')).record).toMatchObject({ ownerToken: 'second', state: 'in_progress' });
});

test('A release that waits while a step is recorded keeps the payload bound and the record for its time', async () => {
  const store = testbed.store();
  const lease = await acquireLease('k', 60_000);
  await blocker.query('BEGIN');
  await blocker.query(
    `UPDATE ${testbed.schema}.onceguard_records SET version = version + 1, life = '00000000-0000-4000-8000-000000000001'`,
  );
  await blocker.query(
    `INSERT INTO ${testbed.schema}.onceguard_steps VALUES ('k', '00000000-0000-4000-8000-000000000001', 'charge', 2, 'x')`,
  );
  const reply = store.release(lease, { as: 'retryable', unbindFingerprint: true });
  await untilBlocked();
  await blocker.query('COMMIT');
  expect(await reply).toMatchObject({ kind: 'ok' });
  const { record } = await store.read('k');
  expect(record).toMatchObject({ state: 'retryable', fingerprint: 'v1:a' });
  expect([...(record?.steps.keys() ?? [])]).toEqual(['charge']);
});

async function acquireLease(key: string, leaseMs: number, ownerToken = 'first'): Promise<Lease> {
  const request = acquireRequest({ ownerToken, leaseMs });
  return leaseOf(key, request, await testbed.store().acquire(key, request));
}

/** A record of a transaction that has not ended. */
async function insertRow(key: string): Promise<void> {
  await blocker.query(
    `INSERT INTO ${testbed.schema}.onceguard_records (key, version, due_at, layout, state, owner_token, fencing_token, attempt, flags,
       lease_end_at, lease_ms, operation, first_acquired_at, acquired_at, record_ttl_ms, outcome_ttl_ms, unknown_ttl_ms, expires_at,
       outcome_end_at)
     VALUES ($1, 1, 0, 3, 'in_progress', 'other', 1, 1, 0, 0, 0, 'x', 0, 0, 1, 1, 1, 0, 0)`,
    [key],
  );
}

/** A statement of another session waits for a lock. */
async function untilBlocked(): Promise<void> {
  const statement = `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1`;
  await expect
    .poll(async () => (await testbed.admin.query(statement, [`%${testbed.schema}%`])).rows[0].waiting, { interval: 5 })
    .toBeGreaterThan(0);
}

async function untilStoreTime(time: number): Promise<void> {
  await expect
    .poll(async () => (await testbed.store({ client: testbed.admin }).read('-')).now, { interval: 5 })
    .toBeGreaterThanOrEqual(time);
}
