// Cases 19 and 23 on a cluster: masters that are killed and frozen, alone, with their replicas, and all at once.
import { type ClusterNode, type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { clusterClients, ownConnection, witness } from './cluster-clients.js';
import { heals } from './healing.js';
import { Load } from './load.js';
import { shardOf } from './slots.js';
import { type Lab, test } from './support.js';

let cluster: RedisCluster;

beforeAll(async () => {
  // What is on disk before it is acknowledged comes back with a server that was killed.
  cluster = await startRedisCluster({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
});

afterAll(async () => await cluster.stop());

test('19. A master that is frozen until it is replaced and then wakes up has acknowledged nothing that is lost.', async ({
  lab,
}) => {
  const load = new Load(await ownConnection.open(lab, cluster));
  await load.goesOn();
  const { master } = await shardOf(0, cluster);
  master.freeze();
  await cluster.untilOk();
  await heals(load.store);
  master.thaw();
  await cluster.untilOk();
  await load.goesOn();
  await nothingIsLost(lab, [load]);
});

test('23. A master is killed under load: every client heals, and nothing that was acknowledged is lost.', async ({
  lab,
}) => {
  const [store = expect.fail(), ...others] = await openAll(lab);
  const load = new Load(store);
  await load.goesOn();
  const { master } = await shardOf(0, cluster);
  await master.kill();
  const loads = [load, ...others.map((other) => new Load(other))];
  await cluster.untilOk();
  await allHeal(loads);
  await master.restart();
  await cluster.untilOk();
  await allGoOn(loads);
  await nothingIsLost(lab, loads);
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
  const loads = (await openAll(lab)).map((store) => new Load(store));
  await allGoOn(loads);
  await Promise.all(nodes.map(async (node) => await node.kill()));
  await Promise.all(loads.map(async (load) => await load.fails()));
  await Promise.all(nodes.map(async (node) => await node.restart()));
  await cluster.untilOk();
  await allHeal(loads);
  await nothingIsLost(lab, loads);
}

async function openAll(lab: Lab) {
  return await Promise.all(clusterClients.map(async ({ open }) => await open(lab, cluster)));
}

async function allHeal(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map(async ({ store }) => await heals(store)));
}

async function allGoOn(loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map(async (load) => await load.goesOn()));
}

async function nothingIsLost(lab: Lab, loads: readonly Load[]): Promise<void> {
  await Promise.all(loads.map(async (load) => await load.stop()));
  const truth = await witness(lab, cluster);
  for (const load of loads) expect(await load.lostAt(truth)).toEqual([]);
}
