// A cluster: formed, broken and healed, and resharded while it is at work.
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

test('When it has started, it is ok, each master has a third of the slots, and a replica that is in sync', async () => {
  expect([cluster.masters.length, cluster.replicas.length]).toEqual([3, 3]);
  expect(cluster.nodes).toEqual([...cluster.masters, ...cluster.replicas]);
  for (const [at, master] of cluster.masters.entries()) {
    expect(await slotsOf(master.port)).toBe(['0-5460', '5461-10921', '10922-16383'][at]);
    const replica = cluster.replicas[at];
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

  test('so many slots move with what is in them, while a client goes on with its work', async () => {
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

  test('named slots move, with more keys than are moved at once', async () => {
    const [to, from] = pairOf(cluster.masters);
    const names = Array.from({ length: 250 }, (_, at) => `{tag}:${at}`);
    for (const name of names) await client.set(name, name);
    const slot = Number(await from.command('CLUSTER', 'KEYSLOT', '{tag}'));
    expect(await cluster.moveSlots([slot], from, to)).toEqual([slot]);
    expect(await to.command('CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe(names.length);
    expect(await Promise.all(names.map((name) => client.get(name)))).toEqual(names);
    await cluster.waitUntilOk();
  });

  test('from or to a node that is no master, it is refused', async () => {
    const [master] = cluster.masters;
    const [replica] = cluster.replicas;
    if (master === undefined || replica === undefined) return expect.unreachable();
    await expect(cluster.moveSlots([7], master, replica)).rejects.toThrow('is no master');
  });

  /** Keys of slots below this one. */
  async function keysBelow(slotCount: number): Promise<string[]> {
    const keys = Array.from({ length: 2_000 }, (_, at) => `counter:${at}`);
    const node = await plainClient(cluster.masters[0]?.url ?? '');
    const slots = await Promise.all(keys.map((key) => node.cluster('KEYSLOT', key)));
    node.disconnect();
    const found = keys.filter((_, at) => Number(slots[at]) < slotCount);
    expect(found.length).toBeGreaterThan(0);
    return found;
  }
});

describe('Broken', () => {
  test('it is ok again when a replica has taken the place of a master that was killed, and when that is back', async () => {
    const [master] = cluster.masters;
    const [replica] = cluster.replicas;
    await master?.kill();
    await cluster.waitUntilOk();
    expect(String(await replica?.command('INFO', 'replication'))).toContain('role:master');
    await master?.restart();
    await cluster.waitUntilOk();
    expect(String(await master?.command('INFO', 'replication'))).toContain(`master_port:${replica?.port}`);
  });

  test('a frozen master counts as lost, and as a replica when it is back', async () => {
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

test('Where a master without a replica was killed, it is not ok before that is back', async () => {
  const alone = await startRedisCluster({ replicasPerMaster: 0 });
  const [master, other] = pairOf(alone.masters);
  await master.kill();
  let isOk = false;
  const ok = alone.waitUntilOk().then(() => {
    isOk = true;
  });
  await vi.waitFor(async () => {
    expect(String(await other.command('CLUSTER', 'INFO'))).toContain('cluster_state:fail');
  }, 20_000);
  expect(isOk).toBe(false);
  await master.restart();
  await ok;
  await alone.stop();
});

test('Stopped, it leaves no process and no directory', async () => {
  const traces = await Promise.all(cluster.nodes.map(tracesOf));
  await cluster.stop();
  await vi.waitFor(() => expect(remainsOf(traces)).toEqual([]));
});

/** The slots of a master, as the cluster's first node tells them. */
async function slotsOf(port: number): Promise<string | undefined> {
  const lines = String(await cluster.nodes[0]?.command('CLUSTER', 'NODES')).split('\n');
  const line = lines.find((one) => one.includes(`:${port}@`));
  return line?.split(' ').slice(8).join(' ');
}

function pairOf<Node>([first, second]: readonly Node[]): [Node, Node] {
  if (first === undefined || second === undefined) return expect.unreachable();
  return [first, second];
}
