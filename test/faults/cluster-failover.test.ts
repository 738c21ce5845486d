// Cases 19 and 23 on a cluster: masters are killed and frozen, alone, with their replicas, and all at once.
import { type ClusterNode, type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { BackgroundLoad } from './background-load.js';
import { clusterClients, newObserverStore, ownConnection } from './cluster-clients.js';
import { type Lab, test } from './lab.js';
import { shardOf } from './slot-operations.js';
import { expectWritesAgain } from './store-writes-again.js';

let cluster: RedisCluster;

beforeAll(async () => {
  // A killed server comes back with everything that it acknowledged, because that is on disk first.
  cluster = await startRedisCluster({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
});

afterAll(async () => await cluster.stop());

test('19. A master that is frozen until it is replaced and then wakes up has acknowledged nothing that is lost.', async ({
  lab,
}) => {
  const load = new BackgroundLoad(await ownConnection.open(lab, cluster));
  await load.untilMoreAcknowledged();
  const { master } = await shardOf(0, cluster);
  master.freeze();
  await cluster.waitUntilOk();
  await expectWritesAgain(load.store);
  master.thaw();
  await cluster.waitUntilOk();
  await load.untilMoreAcknowledged();
  await expectNothingLost(lab, [load]);
});

test('23. A master is killed under load: every client heals, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  const [store = expect.fail(), ...others] = await openAll(lab);
  const load = new BackgroundLoad(store);
  await load.untilMoreAcknowledged();
  const { master } = await shardOf(0, cluster);
  await master.kill();
  const loads = [load, ...others.map((further) => new BackgroundLoad(further))];
  await cluster.waitUntilOk();
  await expectAllWriteAgain(loads);
  await master.restart();
  await cluster.waitUntilOk();
  await untilAllAcknowledgeMore(loads);
  await expectNothingLost(lab, loads);
});

test('23. A shard is killed under load and comes back: every client heals, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  const { master, replica } = await shardOf(0, cluster);
  await killedAndRestarted(lab, [master, replica]);
});

test('23. All nodes are killed under load and come back: every client heals, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  await killedAndRestarted(lab, cluster.nodes);
});

async function killedAndRestarted(lab: Lab, nodes: readonly ClusterNode[]): Promise<void> {
  const loads = (await openAll(lab)).map((store) => new BackgroundLoad(store));
  await untilAllAcknowledgeMore(loads);
  await Promise.all(nodes.map(async (node) => await node.kill()));
  await Promise.all(loads.map(async (load) => await load.untilNextError()));
  await Promise.all(nodes.map(async (node) => await node.restart()));
  await cluster.waitUntilOk();
  await expectAllWriteAgain(loads);
  await expectNothingLost(lab, loads);
}

async function openAll(lab: Lab) {
  return await Promise.all(clusterClients.map(async ({ open }) => await open(lab, cluster)));
}

async function expectAllWriteAgain(loads: readonly BackgroundLoad[]): Promise<void> {
  await Promise.all(loads.map(async ({ store }) => await expectWritesAgain(store)));
}

async function untilAllAcknowledgeMore(loads: readonly BackgroundLoad[]): Promise<void> {
  await Promise.all(loads.map(async (load) => await load.untilMoreAcknowledged()));
}

async function expectNothingLost(lab: Lab, loads: readonly BackgroundLoad[]): Promise<void> {
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await newObserverStore(lab, cluster);
  for (const load of loads) expect(await load.keysLostAt(truth)).toEqual([]);
}
