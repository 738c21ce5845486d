// Case 23 on a cluster whose slots move: while it is at work, half-way for long, and to where nobody was told.
import { type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { own, request } from '../../packages/testing/src/store-suite/requests.js';
import { clusterClients, witness } from './cluster-clients.js';
import { heals, someKeys } from './healing.js';
import { Load } from './load.js';
import { beginToMove, cover, ownerOf, slotOf, uncover } from './slots.js';
import { type Lab, test } from './support.js';

let cluster: RedisCluster;

beforeAll(async () => {
  cluster = await startRedisCluster({ replicasEach: 0 });
});

afterAll(async () => await cluster.stop());

test('23. Slots move under load, those in use too: every client follows, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  const loads = await loadAll(lab);
  for (const key of someKeys) {
    const slot = await slotOf(key, cluster);
    const { owner, other } = await ownerOf(slot, cluster);
    await cluster.moveSlots([slot], owner, other);
  }
  const [from = expect.fail(), to = expect.fail()] = cluster.masters;
  await cluster.moveSlots(50, from, to);
  await cluster.untilOk();
  await allHeal(loads);
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await witness(lab, cluster);
  for (const load of loads) expect(await load.lostAt(truth)).toEqual([]);
});

test('23. A slot is uncovered under load, and covered elsewhere: every client heals.', async ({ lab }) => {
  const loads = await loadAll(lab);
  const slot = await slotOf('a', cluster);
  const { owner, other } = await ownerOf(slot, cluster);
  await uncover(slot, cluster);
  await Promise.all(loads.map(async (load) => await load.fails()));
  await cover(slot, other, cluster);
  await cluster.untilOk();
  await allHeal(loads);
  await Promise.all(loads.map(async (load) => await load.stop()));
  const leftBehind = Number(await owner.command('CLUSTER', 'COUNTKEYSINSLOT', slot));
  const truth = await witness(lab, cluster);
  const lost = await Promise.all(loads.map(async (load) => await load.lostAt(truth)));
  expect(lost.flat().length).toBeLessThanOrEqual(leftBehind);
});

test('23. A slot stays half-way: nothing runs in it, others are as ever, and every client heals once it has moved.', async ({
  lab,
}) => {
  const stores = await openAll(lab);
  const slot = await slotOf('z', cluster);
  const { owner, other } = await ownerOf(slot, cluster);
  await beginToMove(slot, owner, other);
  for (const store of stores) {
    await expect(store.acquire('z', request())).rejects.toMatchObject({ code: 'store_unavailable', class: 'unknown' });
    await own({ store, key: 'y' });
    await store.remove('y');
  }
  await cluster.moveSlots([slot], owner, other);
  await Promise.all(stores.map(async (store) => await heals(store)));
});

async function openAll(lab: Lab) {
  return await Promise.all(clusterClients.map(async ({ open }) => await open(lab, cluster)));
}

async function loadAll(lab: Lab): Promise<Load[]> {
  const loads = (await openAll(lab)).map((store) => new Load(store));
  await Promise.all(loads.map(async (load) => await load.goesOn()));
  return loads;
}

async function allHeal(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map(async ({ store }) => await heals(store)));
}
