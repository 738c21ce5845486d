// What a statement must not write any more when a lock has kept it waiting.
import { encodeRecord, idempotencyProtocol as protocol } from '@onceguard/core/store';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { acquireRequest } from '../../postgres/calls.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

/** Long enough for a statement to reach the lock on a busy machine. */
const waitMs = 1_500;
/** For `expect.poll`. */
const polling = { interval: 5, timeout: 30_000 };
let testbed: TableTestbed;
let blocker: PoolClient;

beforeAll(async () => {
  testbed = await openTableTestbed();
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
  await blocker.query(`INSERT INTO idempotency_records VALUES ('k', 'v', 'x', false, 0)`);
  const reply = store.acquire('k', acquireRequest({ notAfter: now + waitMs }));
  await untilBlocked();
  await untilStoreTime(now + waitMs + 1);
  await blocker.query('ROLLBACK');
  expect(await reply).toMatchObject({ kind: 'superseded' });
  expect((await store.read('k')).record).toBeNull();
});

test('An acquisition that waits for a lock until after notAfter takes over nothing', async () => {
  const store = testbed.store();
  const { now } = await store.acquire('k', acquireRequest({ ownerToken: 'first', leaseMs: 1 }));
  await untilStoreTime(now + 2);
  await blocker.query('BEGIN');
  await blocker.query('SELECT 1 FROM idempotency_records FOR UPDATE');
  const reply = store.acquire('k', acquireRequest({ ownerToken: 'second', notAfter: now + waitMs }));
  await untilBlocked();
  await untilStoreTime(now + waitMs + 1);
  await blocker.query('ROLLBACK');
  expect(await reply).toMatchObject({ kind: 'superseded' });
  expect((await store.read('k')).record).toMatchObject({ ownerToken: 'first', attempt: 1 });
});

test('A takeover that waits while the owner renews finds the lease alive', async () => {
  const store = testbed.store();
  const { now } = await store.acquire('k', acquireRequest({ ownerToken: 'first', leaseMs: 1 }));
  await untilStoreTime(now + 2);
  const { record } = await store.read('k');
  const renewed = encodeRecord('k', { ...(record ?? protocol.blankRecord), leaseEndAt: now + 60_000, leaseMs: 60_000 });
  await blocker.query('BEGIN');
  await blocker.query(`UPDATE idempotency_records SET version = 'renewed', record = $1`, [renewed]);
  const reply = store.acquire('k', acquireRequest({ ownerToken: 'second' }));
  await untilBlocked();
  await blocker.query('COMMIT');
  expect(await reply).toMatchObject({ kind: 'in_progress' });
});

/** A statement of another session waits for a lock. */
async function untilBlocked(): Promise<void> {
  const statement = `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = $1`;
  await expect
    .poll(async () => (await testbed.admin.query(statement, [testbed.schema])).rows[0].waiting, polling)
    .toBeGreaterThan(0);
}

async function untilStoreTime(time: number): Promise<void> {
  const store = testbed.store(testbed.admin);
  await expect.poll(async () => (await store.read('-')).now, polling).toBeGreaterThanOrEqual(time);
}
