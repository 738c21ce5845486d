// A streaming replica of PostgreSQL: it is refused as a store, and what a failover to it loses depends on one setting.
import { describe, expect } from 'vitest';
import { acquireRequest } from '../postgres/calls.js';
import { type PostgresLab, test } from './postgres-lab.js';

const before = Array.from({ length: 50 }, (_, n) => `before-${n}`);
const afterwards = Array.from({ length: 50 }, (_, n) => `afterwards-${n}`);

/** A primary, its replica, and a store that reaches the one that a proxy leads to. */
async function startPair(lab: PostgresLab) {
  const primary = await lab.server();
  const testbed = await lab.testbed(primary.url);
  const standby = await lab.server({ standbyOf: primary });
  const proxy = await lab.proxy(primary.url);
  const store = testbed.store({ client: testbed.pool({ connectionString: proxy.url, max: 4 }), callTimeoutMs: 5_000 });
  return { primary, standby, testbed, proxy, store };
}

async function pay(lab: PostgresLab, store: Parameters<PostgresLab['pay']>[0], keys: readonly string[]) {
  return await Promise.all(keys.map((key) => lab.pay(store, key)));
}

describe('A read replica of PostgreSQL', () => {
  test('is refused in words by the check and by every call, and nothing runs', async ({ lab }) => {
    const { standby, testbed } = await startPair(lab);
    const store = testbed.store({ client: testbed.pool({ connectionString: standby.url }) });
    expect(await store.check()).toMatchObject([
      { code: 'postgres_read_only', message: expect.stringContaining('it is a read replica'), severity: 'error' },
    ]);
    const refusal = {
      class: 'unavailable',
      message: expect.stringContaining('Give the store the address of the primary'),
    };
    await expect(store.acquire('order-1', acquireRequest())).rejects.toMatchObject(refusal);
    await expect(store.read('order-1')).rejects.toMatchObject(refusal);
    await expect(store.scan({ cursor: null, limit: 10 })).rejects.toMatchObject(refusal);
    await expect(store.remove('order-1')).rejects.toMatchObject(refusal);
    expect(
      await lab.pay(
        testbed.store({ client: testbed.pool({ connectionString: standby.url }), callTimeoutMs: 500 }),
        'order-1',
      ),
    ).toBe('store_unavailable');
    expect(lab.runs('order-1')).toBe(0);
  });
});

describe('A failover to a replica', () => {
  test('loses nothing with synchronous_standby_names: every repeat is a replay', async ({ lab }) => {
    const { primary, standby, testbed, proxy, store } = await startPair(lab);
    await testbed.admin.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await testbed.admin.query('SELECT pg_reload_conf()');
    expect(new Set(await pay(lab, store, before))).toEqual(new Set(['executed']));
    await primary.kill();
    await standby.promote();
    proxy.retarget(standby.url);
    expect(new Set(await pay(lab, store, before))).toEqual(new Set(['replayed']));
    expect(new Set(await pay(lab, store, afterwards))).toEqual(new Set(['executed']));
  });

  test('loses what a replica that was behind had not got: that work runs again, and all other is replayed', async ({
    lab,
  }) => {
    const { primary, standby, testbed, proxy, store } = await startPair(lab);
    await testbed.admin.query("ALTER SYSTEM SET synchronous_standby_names = '*'");
    await testbed.admin.query('SELECT pg_reload_conf()');
    await pay(lab, store, before);
    // From now on nothing waits for the replica, and the replica gets nothing.
    await testbed.admin.query('ALTER SYSTEM RESET synchronous_standby_names');
    await testbed.admin.query('SELECT pg_reload_conf()');
    await standby.kill();
    expect(new Set(await pay(lab, store, afterwards))).toEqual(new Set(['executed']));
    await primary.kill();
    await standby.restart();
    await standby.promote();
    proxy.retarget(standby.url);
    expect(new Set(await pay(lab, store, before))).toEqual(new Set(['replayed']));
    expect(new Set(await pay(lab, store, afterwards))).toEqual(new Set(['executed']));
    expect([before, afterwards].map((keys) => Math.max(...keys.map((key) => lab.runs(key))))).toEqual([1, 2]);
  });
});
