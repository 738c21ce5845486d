// Story S3 and case 24: pipelines on a cluster pass MOVED on to their callers, and replicas get reads that only a
// master can serve.
import { randomUUID } from 'node:crypto';
import { type Events, executeIdempotently, onEvent } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type ClusterNode, type RedisCluster, startRedisCluster } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  replayedOutcome,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { clusterClient, clusterClient5 } from './cluster-clients.js';
import { test } from './lab.js';
import { mastersOf, ownerOf, type Shard, shardOf, slotOf } from './slot-operations.js';
import { acquireWithSharedToken, expectWritesAgain, keysOnAllShards } from './store-writes-again.js';

const versions = [
  { name: 'ioredis 6', connect: clusterClient, single: (url: string) => new Redis(url) },
  { name: 'ioredis 5', connect: clusterClient5, single: (url: string) => new Redis5(url) },
] as const;

let cluster: RedisCluster;
const warnings: Events['warning'][] = [];
let stop: () => void;

beforeAll(async () => {
  cluster = await startRedisCluster();
  stop = onEvent('warning', (warning) => warnings.push(warning));
});

afterAll(async () => {
  stop();
  await cluster.stop();
});

/** Keys of several slots of one master; the slot of the first moves away. */
async function keysWithOneMoving(): Promise<{ keys: readonly string[]; move(): Promise<unknown> }> {
  const slots = await Promise.all(keysOnAllShards.map(async (key) => await slotOf(key, cluster)));
  const { owner, other } = await ownerOf(slots[0] ?? 0, cluster);
  const owners = await Promise.all(slots.map(async (slot) => (await ownerOf(slot, cluster)).owner));
  const keys = keysOnAllShards.filter((_, at) => owners[at] === owner);
  expect(keys.length).toBeGreaterThan(2);
  return { keys, move: async () => await cluster.moveSlots(slots.slice(0, 1), owner, other) };
}

describe.each(versions)('S3: on a cluster client of $name,', ({ connect }) => {
  test('automatic pipelines pass MOVED on to their callers, again and again: the fault is real.', async ({ lab }) => {
    const client = await connect(lab, cluster, { enableAutoPipelining: true });
    const { keys, move } = await keysWithOneMoving();
    const burst = async () => await Promise.allSettled(keys.map(async (key) => await client.set(`{${key}}`, 'x')));
    expect((await burst()).map(({ status }) => status)).not.toContain('rejected');
    await move();
    for (const _ of [1, 2, 3]) {
      const [moved, ...others] = await burst();
      expect(moved).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(/^MOVED /) } });
      expect(others.map(({ status }) => status)).not.toContain('rejected');
    }
  });

  test.for([
    { enableAutoPipelining: true, durability: undefined },
    { enableAutoPipelining: false, durability: undefined },
    { enableAutoPipelining: true, durability: { replicas: 1, timeoutMs: 500 } },
    { enableAutoPipelining: false, durability: { replicas: 1, timeoutMs: 500 } },
  ])('no caller gets MOVED, of many calls at once with %o.', async ({ enableAutoPipelining, durability }, { lab }) => {
    const client = await connect(lab, cluster, { enableAutoPipelining });
    const store = new RedisStore({ client, prefix: lab.prefix, durability });
    const { move } = await keysWithOneMoving();
    await callAllShardsAtOnce(store);
    await move();
    await callAllShardsAtOnce(store);
  });

  test('records are never read from a replica, though scaleReads says so, and other reads are stale.', async ({
    lab,
  }) => {
    const client = await connect(lab, cluster, { scaleReads: 'slave' });
    const store = new RedisStore({ client, prefix: lab.prefix });
    await expectWritesAgain(store, ['a']);
    const shard = await shardOf(await slotOf('a', cluster), cluster);
    const resume = await stallReplication(shard);
    await store.remove('a');
    const lease = await acquireLease({ store, key: 'a' });
    expect(await client.get(`${lab.prefix}{a}a`)).not.toContain(lease.ownerToken);
    expect((await store.read('a')).record).toMatchObject({ ownerToken: lease.ownerToken });
    expect(await store.acquire('a', acquireRequest())).toMatchObject({ kind: 'in_progress' });
    await store.complete(lease, completionOf('paid'));
    expect(await replayedOutcome({ store, key: 'a' })).toBe('paid');
    expect(await client.get(`${lab.prefix}{a}a`)).not.toContain('paid');
    await resume();
  });
});

describe.each(versions)('$name:', ({ connect, single }) => {
  test('24. Automatic pipelines and reads from replicas cause a warning, and no caller gets MOVED.', async ({
    lab,
  }) => {
    const client = await connect(lab, cluster, { enableAutoPipelining: true, scaleReads: 'slave' });
    const store = new RedisStore({ client, prefix: lab.prefix });
    const codes = warnings.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(['redis_auto_pipelining', 'redis_reads_from_replicas']));
    const { move } = await keysWithOneMoving();
    await callAllShardsAtOnce(store);
    await move();
    await callAllShardsAtOnce(store);
  });

  test('S3: A single-node client on a cluster fails with a message that says how to configure a cluster.', async ({
    lab,
  }) => {
    const [node] = await mastersOf(cluster);
    const client = single(node?.url ?? '');
    lab.onEnd(() => client.disconnect());
    const store = new RedisStore({ client, prefix: lab.prefix });
    const ends = await Promise.allSettled(keysOnAllShards.map(async (key) => await acquireWithSharedToken(store, key)));
    const failures = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) {
      const message = /MOVED .* use RedisStore\.connect\(\{ cluster: \[url\] \}\)/;
      expect(failure).toMatchObject({ class: 'misconfigured', message: expect.stringMatching(message) });
    }
  });
});

/** Calls on all shards, none of which fails. */
async function callAllShardsAtOnce(store: RedisStore): Promise<void> {
  const pay = async (key: string) => await executeIdempotently(() => key, { store, scope: randomUUID(), key });
  await Promise.all([
    ...keysOnAllShards.map(async (key) => await acquireWithSharedToken(store, key)),
    ...keysOnAllShards.map(async (key) => expect(await pay(key)).toMatchObject({ kind: 'executed', recorded: true })),
  ]);
}

/** The replica replies, and gets no new data until the returned function is called. */
async function stallReplication({ master, replica }: Shard): Promise<() => Promise<void>> {
  // It will need a full resync, because the backlog is too small; and the master makes it wait for that.
  await master.command('CONFIG', 'SET', 'repl-backlog-size', 16_384);
  await master.command('CONFIG', 'SET', 'repl-diskless-sync-delay', 1_000);
  replica.freeze();
  await master.command('CLIENT', 'KILL', 'TYPE', 'replica');
  const key = await keyOnMaster(master);
  for (const _ of [1, 2, 3]) await master.command('SET', key, 'x'.repeat(1_000_000));
  replica.thaw();
  return async () => {
    await master.command('CONFIG', 'SET', 'repl-diskless-sync-delay', 0);
    await cluster.waitUntilOk();
  };
}

async function keyOnMaster(master: ClusterNode): Promise<string> {
  const owners = await Promise.all(
    keysOnAllShards.map(async (key) => (await ownerOf(await slotOf(key, cluster), cluster)).owner),
  );
  return keysOnAllShards[owners.indexOf(master)] ?? expect.fail();
}
