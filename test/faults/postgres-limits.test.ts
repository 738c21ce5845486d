// A PostgreSQL that has no connection, no time or no room left: work is refused before it begins, and what is done stays.
import { describe, expect } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from '../postgres/calls.js';
import { test } from './postgres-lab.js';
import { mountSmallDisk, noMount } from './small-disk.js';

describe('PostgreSQL', () => {
  test('has no connection left: work is refused and does not run, and later it runs', async ({ lab }) => {
    const server = await lab.server({
      settings: { max_connections: 4, superuser_reserved_connections: 0, max_wal_senders: 0 },
    });
    const testbed = await lab.testbed(server.url);
    const taken = await Promise.all([1, 2, 3].map(() => testbed.admin.connect()));
    const others = testbed.pool({ max: 1 });
    const last = await others.connect();
    const store = testbed.store({ client: testbed.pool({ max: 1 }), callTimeoutMs: 1_000 });
    await expect(store.acquire('order-1', acquireRequest())).rejects.toMatchObject({
      class: 'unavailable',
      message: expect.stringContaining('(53300)'),
    });
    expect([await lab.pay(store, 'order-2'), lab.runs('order-2')]).toEqual(['store_unavailable', 0]);
    for (const client of [...taken, last]) client.release(true);
    await expect.poll(() => lab.pay(store, 'order-3'), { timeout: 60_000 }).toMatch(/executed|replayed/);
    expect(lab.runs('order-3')).toBe(1);
  });

  test('ends idle connections: the next call opens another one', async ({ lab }) => {
    const testbed = await lab.testbed();
    const pool = testbed.pool({ max: 1, options: '-c idle_session_timeout=20' });
    const store = testbed.store({ client: pool });
    for (const key of ['order-1', 'order-2']) {
      const ended = new Promise((resolve) => pool.once('remove', resolve));
      expect(await lab.pay(store, key)).toBe('executed');
      await ended;
      expect(await lab.pay(store, key)).toBe('replayed');
    }
  });

  test('cancels a statement after statement_timeout: nothing was written, and the call is repeated', async ({
    lab,
  }) => {
    const testbed = await lab.testbed();
    const request = acquireRequest();
    const store = testbed.store({ client: testbed.pool({ options: '-c statement_timeout=1000' }) });
    const lease = leaseOf('order-1', request, await store.acquire('order-1', request));
    const blocker = await testbed.admin.connect();
    await blocker.query(`BEGIN; SELECT 1 FROM ${testbed.schema}.onceguard_records FOR UPDATE`);
    await expect(store.complete(lease, completionOf('paid'))).rejects.toMatchObject({ class: 'unavailable' });
    await blocker.query('ROLLBACK');
    blocker.release();
    expect((await store.read('order-1')).record).toMatchObject({ state: 'in_progress', outcome: null });
    expect(await store.complete(lease, completionOf('paid'))).toMatchObject({ kind: 'ok' });
  });

  test('ends idle transactions: the store has none that it could lose', async ({ lab }) => {
    const testbed = await lab.testbed();
    const options = '-c idle_in_transaction_session_timeout=1 -c lock_timeout=5000';
    const store = testbed.store({ client: testbed.pool({ max: 2, options }) });
    const keys = Array.from({ length: 20 }, (_, n) => `order-${n}`);
    expect(new Set(await Promise.all(keys.map((key) => lab.pay(store, key))))).toEqual(new Set(['executed']));
  });

  test('has no room left: what is done is replayed, new work is refused and does not run, and later it runs', async ({
    lab,
    skip,
  }) => {
    const disk = mountSmallDisk(lab) ?? skip(noMount);
    const testbed = await lab.testbed();
    const { admin, schema } = testbed;
    await admin.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    await admin.query(`ALTER TABLE ${schema}.onceguard_records SET TABLESPACE small`);
    const store = testbed.store({ client: testbed.pool({ max: 1 }), callTimeoutMs: 2_000 });
    const request = acquireRequest();
    await store.complete(leaseOf('done', request, await store.acquire('done', request)), completionOf('paid'));
    disk.fill();
    let refusal: unknown = null;
    // The pages that there are take some records more.
    for (let n = 0; refusal === null && n < 10_000; n += 1)
      await store.acquire(`filler-${n}`, request).catch((error: unknown) => {
        refusal = error;
      });
    expect(refusal).toMatchObject({
      class: 'misconfigured',
      refusal: 'full',
      message: expect.stringContaining('free space'),
    });
    expect(await store.acquire('done', request)).toMatchObject({ kind: 'completed', outcome: Buffer.from('paid') });
    expect([await lab.pay(store, 'order-1'), lab.runs('order-1')]).toEqual(['store_misconfigured', 0]);
    disk.free();
    expect([await lab.pay(store, 'order-1'), lab.runs('order-1')]).toEqual(['executed', 1]);
  });
});
