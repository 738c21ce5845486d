// Case 17 on a cluster: WAIT has to reach the node that wrote, wherever the slot is.
import { type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { BackgroundLoad } from './background-load.js';
import { clusterClients, newObserverStore } from './cluster-clients.js';
import { type Lab, test } from './lab.js';
import { beginMigration, ownerOf, shardOf, slotOf } from './slot-operations.js';
import { acquireWithSharedToken, expectWritesAgain, keysOnAllShards } from './store-writes-again.js';

const durability = { replicas: 1, timeoutMs: 200 };

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(async () => await cluster.stop());

test('17. With durability a shard whose replica is silent acknowledges nothing, and the others do.', async ({
  lab,
}) => {
  const stores = await openAll(lab);
  const { master, replica } = await shardOf(await slotOf('a', cluster), cluster);
  replica.freeze();
  for (const key of keysOnAllShards) {
    const { owner } = await ownerOf(await slotOf(key, cluster), cluster);
    const refused = { class: 'unknown', message: expect.stringMatching(/0 of 1 replica confirmed/) };
    const ends = await Promise.allSettled(stores.map(async (store) => await acquireWithSharedToken(store, key)));
    const expected = owner === master ? { status: 'rejected', reason: refused } : { status: 'fulfilled' };
    for (const end of ends) expect(end).toMatchObject(expected);
  }
  replica.thaw();
  await cluster.waitUntilOk();
  await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
});

test('17. With durability a half-migrated slot acknowledges nothing, until it has moved.', async ({ lab }) => {
  const stores = await openAll(lab);
  const slot = await slotOf('a', cluster);
  const { owner, other } = await ownerOf(slot, cluster);
  for (const store of stores) await acquireWithSharedToken(store, 'a');
  await beginMigration(slot, owner, other);
  for (const end of await Promise.allSettled(stores.map(async (store) => await acquireWithSharedToken(store, 'a')))) {
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
  }
  await cluster.moveSlots([slot], owner, other);
  await cluster.waitUntilOk();
  await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
});

test('17. With durability nothing that was acknowledged is lost with a master, under load from several clients.', async ({
  lab,
}) => {
  const stores = await openAll(lab);
  const loads = stores.map((store) => new BackgroundLoad(store, 2));
  await Promise.all(loads.map(async (load) => await load.untilMoreAcknowledged()));
  const { master } = await shardOf(0, cluster);
  await master.kill();
  await cluster.waitUntilOk();
  await master.restart();
  await cluster.waitUntilOk();
  await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await newObserverStore(lab, cluster);
  for (const load of loads) expect(await load.keysLostAt(truth)).toEqual([]);
});

async function openAll(lab: Lab) {
  return await Promise.all(clusterClients.map(async ({ open }) => await open(lab, cluster, { durability })));
}
