// The event data_may_be_lost: another server answers than before, or the same one has started anew. Not for a lost connection.
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Events, onEvent } from '../../packages/core/src/events.js';
import { type ConnectOptions, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import {
  type RedisServer,
  startFaultProxy,
  startRedis,
  startRedisCluster,
  startReplicaPair,
  startSentinelSet,
} from '../../packages/testing/src/index.js';

const cleanups: (() => unknown)[] = [];
let lossEvents: Events['data_may_be_lost'][];

beforeEach(() => {
  lossEvents = [];
  cleanups.push(onEvent('data_may_be_lost', (event) => lossEvents.push(event)));
});

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

async function runIdOf(server: RedisServer): Promise<string | undefined> {
  return /run_id:(\w+)/.exec(String(await server.command('INFO', 'server')))?.[1];
}

async function open(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ prefix: `${randomUUID()}:`, ...options });
  cleanups.push(() => store.close());
  return store;
}

/** Resolves when the store is answered. */
const untilAnswered = async (store: RedisStore) => await vi.waitFor(async () => await store.read('anything'), 60_000);

describe('data_may_be_lost', () => {
  test('is published when the server restarts, not when only the connection is lost', async () => {
    const server = await startRedis();
    const proxy = await startFaultProxy(server.url);
    cleanups.push(
      () => server.stop(),
      () => proxy.close(),
    );
    const store = await open({ url: proxy.url });
    for (const how of ['fin', 'reset'] as const) {
      proxy.disconnectAll(how);
      await vi.waitUntil(() => store.health().state === 'degraded', 60_000);
      await untilAnswered(store);
    }
    const before = await runIdOf(server);
    await server.restart();
    const event = { store: 'redis', server: `127.0.0.1:${proxy.port}`, before, after: await runIdOf(server) };
    await vi.waitUntil(() => lossEvents.length > 0, 60_000);
    expect(lossEvents).toEqual([event]);
  });

  test('is published when a replica becomes master behind the same address', async () => {
    const { master, replica, stop } = await startReplicaPair();
    const proxy = await startFaultProxy(master.url);
    cleanups.push(stop, () => proxy.close());
    const store = await open({ url: proxy.url });
    await untilAnswered(store);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    proxy.retarget(replica.url);
    await vi.waitUntil(() => lossEvents.length > 0, 60_000);
    const [before, after] = [await runIdOf(master), await runIdOf(replica)];
    expect(lossEvents).toEqual([{ store: 'redis', server: `127.0.0.1:${proxy.port}`, before, after }]);
  });

  test('tells of a failover behind Sentinel, by the name of the master', async () => {
    const { masterName, addresses, sentinels, master, replicas, stop } = await startSentinelSet();
    cleanups.push(stop);
    const store = await open({ sentinels: addresses, name: masterName });
    await untilAnswered(store);
    await sentinels[0]?.command('SENTINEL', 'FAILOVER', masterName);
    await vi.waitUntil(() => lossEvents.length > 0, 60_000);
    const [before, after] = await Promise.all([master, ...replicas].map(runIdOf));
    expect(lossEvents).toEqual([{ store: 'redis', server: masterName, before, after }]);
  });

  test.each([
    { when: 'while it is asked', asks: true },
    { when: 'also to a store that asked nothing meanwhile', asks: false },
  ])('tells of the master of a cluster that was replaced, and not of slots that moved, $when', async ({ asks }) => {
    const cluster = await startRedisCluster();
    cleanups.push(cluster.stop);
    const store = await open({ cluster: cluster.addresses });
    const ask = async () => await Promise.allSettled([...'abcdefgh'].map(async (key) => await store.read(key)));
    const [first = expect.fail(), second = expect.fail()] = cluster.masters;
    await cluster.moveSlots(10, first, second);
    await ask();
    const before = await runIdOf(first);
    await first.kill();
    if (asks) await vi.waitUntil(async () => (await ask()) && lossEvents.length > 0, 60_000);
    await cluster.waitUntilOk();
    await vi.waitUntil(() => lossEvents.length > 0, 60_000);
    const [replica = expect.fail()] = cluster.replicas;
    const event = { store: 'redis', server: `127.0.0.1:${replica.port}`, before, after: await runIdOf(replica) };
    expect(lossEvents).toEqual([event]);
  });
});
