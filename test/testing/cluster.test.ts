// startRedisCluster: the cluster starts, is resharded while it works, and recovers from failures.
import { type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { Cluster } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { plainClient } from './plain-clients.js';
import { remainsOf, tracesOf } from './server-traces.js';

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster({ args: ['--maxclients', '77'] });
});
afterAll(async () => await cluster.stop());

test('After the start the cluster is ok; each master has a third of the slots and a replica in sync', async () => {
  expect([cluster.masters.length, cluster.replicas.length]).toEqual([3, 3]);
  expect(cluster.nodes).toEqual([...cluster.masters, ...cluster.replicas]);
  for (const [index, master] of cluster.masters.entries()) {
    expect(await slotsOf(master.port)).toBe(['0-5460', '5461-10921', '10922-16383'][index]);
    const replica = cluster.replicas[index];
    expect(await replica?.command('CLUSTER', 'MYID')).toBe(replica?.id);
    expect(await replica?.command('ROLE')).toEqual(expect.arrayContaining(['slave', master.port, 'connected']));
  }
  for (const node of cluster.nodes) {
    expect(String(await node.command('CLUSTER', 'INFO'))).toContain('cluster_state:ok');
    expect(await node.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '77']);
  }
});

describe('Resharded', () => {
  let client: Cluster;
  beforeAll(async () => {
    client = new Cluster([...cluster.addresses], { lazyConnect: true });
    await client.connect();
  });
  afterAll(() => client.disconnect());

  test('a number of slots moves with their keys, while a client keeps working', async () => {
    const slotCount = 100;
    const [from, to] = pairOf(cluster.masters);
    const keys = await keysBelow(slotCount);
    let rounds = 0;
    let isMoving = true;
    const work = async () => {
      for (; isMoving || rounds === 0; rounds += 1) await Promise.all(keys.map((key) => client.incr(key)));
    };
    const working = work();
    const moved = await cluster.moveSlots(slotCount, from, to);
    isMoving = false;
    await working;
    expect(moved).toEqual(Array.from({ length: slotCount }, (_, slot) => slot));
    expect(await slotsOf(from.port)).toBe('100-5460');
    expect(await slotsOf(to.port)).toBe('0-99 5461-10921');
    const counts = await Promise.all(keys.map((key) => client.get(key)));
    expect(counts).toEqual(keys.map(() => String(rounds)));
    await cluster.waitUntilOk();
  });

  test('given slots move, with more keys than one MIGRATE moves', async () => {
    const [to, from] = pairOf(cluster.masters);
    const names = Array.from({ length: 250 }, (_, index) => `{tag}:${index}`);
    for (const name of names) await client.set(name, name);
    const slot = Number(await from.command('CLUSTER', 'KEYSLOT', '{tag}'));
    expect(await cluster.moveSlots([slot], from, to)).toEqual([slot]);
    expect(await to.command('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(names.length);
    expect(await Promise.all(names.map((name) => client.get(name)))).toEqual(names);
    await cluster.waitUntilOk();
  });

  test('moving slots from or to a node that is not a master is rejected', async () => {
    const [master] = cluster.masters;
    const [replica] = cluster.replicas;
    if (master === undefined || replica === undefined) return expect.unreachable();
    await expect(cluster.moveSlots([7], master, replica)).rejects.toThrow('is not a running master');
  });

  /** Keys whose slots are below this number. */
  async function keysBelow(slotCount: number): Promise<string[]> {
    const keys = Array.from({ length: 2_000 }, (_, index) => `counter:${index}`);
    const node = await plainClient(cluster.masters[0]?.url ?? '');
    const slots = await Promise.all(keys.map((key) => node.cluster('KEYSLOT', key)));
    node.disconnect();
    const found = keys.filter((_, index) => Number(slots[index]) < slotCount);
    expect(found.length).toBeGreaterThan(0);
    return found;
  }
});

describe('Broken', () => {
  test('the cluster is ok again when a replica has replaced a killed master, and when the old master is back', async () => {
    const [master] = cluster.masters;
    const [replica] = cluster.replicas;
    await master?.kill();
    await cluster.waitUntilOk();
    expect(String(await replica?.command('INFO', 'replication'))).toContain('role:master');
    await master?.restart();
    await cluster.waitUntilOk();
    expect(String(await master?.command('INFO', 'replication'))).toContain(`master_port:${replica?.port}`);
  });

  test('a frozen master counts as failed, and becomes a replica when it is back', async () => {
    const [, master] = cluster.masters;
    const [, replica] = cluster.replicas;
    master?.freeze();
    await cluster.waitUntilOk();
    expect(String(await replica?.command('INFO', 'replication'))).toContain('role:master');
    master?.thaw();
    await cluster.waitUntilOk();
    expect(String(await master?.command('INFO', 'replication'))).toContain('role:slave');
  });
});

test('Without replicas the cluster is not ok until a killed master is back', async () => {
  const alone = await startRedisCluster({ replicasPerMaster: 0 });
  const [master, other] = pairOf(alone.masters);
  await master.kill();
  let isOk = false;
  const ok = alone.waitUntilOk().then(() => {
    isOk = true;
  });
  await vi.waitFor(async () => {
    expect(String(await other.command('CLUSTER', 'INFO'))).toContain('cluster_state:fail');
  }, 60_000);
  expect(isOk).toBe(false);
  await master.restart();
  await ok;
  await alone.stop();
});

test('After stop there is no process and no directory left', async () => {
  const traces = await Promise.all(cluster.nodes.map(tracesOf));
  await cluster.stop();
  await vi.waitFor(() => expect(remainsOf(traces)).toEqual([]), 60_000);
});

/** The slots of a master in the view of the cluster's first node. */
async function slotsOf(port: number): Promise<string | undefined> {
  const lines = String(await cluster.nodes[0]?.command('CLUSTER', 'NODES')).split('\n');
  const line = lines.find((entry) => entry.includes(`:${port}@`));
  return line?.split(' ').slice(8).join(' ');
}

function pairOf<Node>([first, second]: readonly Node[]): [Node, Node] {
  if (first === undefined || second === undefined) return expect.unreachable();
  return [first, second];
}
