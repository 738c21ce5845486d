// Case 23 on a cluster whose slots move: under load, half-way for long, and without notice to the clients.
import { type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { acquireLease, acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { BackgroundLoad } from './background-load.js';
import { clusterClients, newObserverStore } from './cluster-clients.js';
import { type Lab, test } from './lab.js';
import { assignSlot, beginMigration, ownerOf, slotOf, unassignSlot } from './slot-operations.js';
import { expectWritesAgain, keysOnAllShards } from './store-writes-again.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ replicasPerMaster: 0 });
});

afterAll(async () => await cluster.stop());

test('23. Slots move under load, those in use too: every client follows, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  const loads = await startAllLoads(lab);
  for (const key of keysOnAllShards) {
    const slot = await slotOf(key, cluster);
    const { owner, other } = await ownerOf(slot, cluster);
    await cluster.moveSlots([slot], owner, other);
  }
  const [from = expect.fail(), to = expect.fail()] = cluster.masters;
  await cluster.moveSlots(50, from, to);
  await cluster.waitUntilOk();
  await expectAllWriteAgain(loads);
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await newObserverStore(lab, cluster);
  for (const load of loads) expect(await load.keysLostAt(truth)).toEqual([]);
});

test('23. A slot is unassigned under load, and assigned elsewhere: every client heals.', async ({ lab }) => {
  const loads = await startAllLoads(lab);
  const slot = await slotOf('a', cluster);
  const { owner, other } = await ownerOf(slot, cluster);
  await unassignSlot(slot, cluster);
  await Promise.all(loads.map(async (load) => await load.untilNextError()));
  await assignSlot(slot, other, cluster);
  await cluster.waitUntilOk();
  await expectAllWriteAgain(loads);
  await Promise.all(loads.map(async (load) => await load.stop()));
  const leftBehind = Number(await owner.command('CLUSTER', 'COUNTKEYSINSLOT', slot));
  const truth = await newObserverStore(lab, cluster);
  const lost = await Promise.all(loads.map(async (load) => await load.keysLostAt(truth)));
  expect(lost.flat().length).toBeLessThanOrEqual(leftBehind);
});

test('23. A slot stays half-migrated: nothing runs in it, others work as usual, and every client heals once it has moved.', async ({
  lab,
}) => {
  const stores = await openAll(lab);
  const slot = await slotOf('z', cluster);
  const { owner, other } = await ownerOf(slot, cluster);
  await beginMigration(slot, owner, other);
  for (const store of stores) {
    await expect(store.acquire('z', acquireRequest())).rejects.toMatchObject({
      code: 'store_unavailable',
      class: 'unknown',
    });
    await acquireLease({ store, key: 'y' });
    await store.remove('y');
  }
  await cluster.moveSlots([slot], owner, other);
  await Promise.all(stores.map(async (store) => await expectWritesAgain(store)));
});

async function openAll(lab: Lab) {
  return await Promise.all(clusterClients.map(async ({ open }) => await open(lab, cluster)));
}

async function startAllLoads(lab: Lab): Promise<BackgroundLoad[]> {
  const loads = (await openAll(lab)).map((store) => new BackgroundLoad(store));
  await Promise.all(loads.map(async (load) => await load.untilMoreAcknowledged()));
  return loads;
}

async function expectAllWriteAgain(loads: readonly BackgroundLoad[]): Promise<void> {
  await Promise.all(loads.map(async ({ store }) => await expectWritesAgain(store)));
}
