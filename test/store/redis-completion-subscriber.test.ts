// The connection on which a store hears of ends: made when somebody waits, made anew when it is lost, and nobody's trouble.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { executeIdempotently } from '@onceguard/core';
import { type ConnectOptions, RedisStore } from '@onceguard/core/redis';
import { type RedisServer, startRedisCluster, startSentinelSet } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { checksumLength, recordMark } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl, startRedis } from '../support/redis.js';
import { type ListeningStore, listeningStore } from './completion-listeners.js';

const cleanups: (() => unknown)[] = [];
const prefix = 'onceguard:';

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

async function startServer(): Promise<{ server: RedisServer; admin: Redis }> {
  const server = await startRedis();
  cleanups.push(() => server.stop());
  return { server, admin: clientOf(server) };
}

function clientOf({ url }: { readonly url: string }): Redis {
  const client = new Redis(url).on('error', () => {});
  cleanups.push(() => client.disconnect());
  return client;
}

async function connect(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect(options);
  cleanups.push(() => store.close());
  return store;
}

/** How many clients are connected, of those that listen and of the others; the one that asks does not count. */
async function clientsOf(admin: Redis): Promise<{ listening: number; others: number }> {
  const list = String(await admin.client('LIST'))
    .trim()
    .split('\n');
  const listening = list.filter((line) => / sub=[1-9]/.test(line)).length;
  return { listening, others: list.length - listening - 1 };
}

/** Somebody waits at one store for what another completes, and hears of it. */
async function expectNotified({ store, notifiedKeys }: ListeningStore<RedisStore>, owner: RedisStore): Promise<void> {
  const key = randomUUID();
  const lease = await acquireLease({ store: owner, key });
  expect(await store.acquire(key, acquireRequest({ notifyOnEnd: true }))).toMatchObject({ kind: 'in_progress' });
  await owner.complete(lease, completionOf('paid'));
  await vi.waitUntil(() => notifiedKeys.includes(key), { timeout: 60_000, interval: 5 });
}

describe('The second connection of a store', () => {
  test('is made when somebody first waits, once, and ends with the store', async () => {
    const { server, admin } = await startServer();
    const store = await connect({ url: server.url });
    const work = { store, scope: 'tests', key: '1' };
    await executeIdempotently(() => 'done', { ...work, onInProgress: { waitMs: 1_000 } });
    expect(await clientsOf(admin)).toEqual({ listening: 0, others: 1 });
    const lease = await acquireLease({ store, key: 'held' });
    await listeningStore(store, admin, prefix);
    await listeningStore(store, admin, prefix);
    expect(await clientsOf(admin)).toEqual({ listening: 1, others: 1 });
    await store.complete(lease, completionOf('paid'));
    await store.close();
    await vi.waitFor(async () => expect(await clientsOf(admin)).toEqual({ listening: 0, others: 0 }), 60_000);
  });

  test('is made anew when it is lost; nothing fails meanwhile, and the health is that of the first', async () => {
    const { server, admin } = await startServer();
    const waiter = await listeningStore(await connect({ url: server.url }), admin, prefix);
    const health = waiter.store.health();
    for (const _ of ['once', 'and again']) {
      expect(await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')).toBe(1);
      await acquireLease({ store: waiter.store, key: randomUUID() }, { notifyOnEnd: true });
      await waiter.untilSubscribed();
      await expectNotified(waiter, waiter.store);
    }
    expect(waiter.store.health()).toEqual(health);
  });

  test('is re-established when the server returns', async () => {
    const { server, admin } = await startServer();
    const waiter = await listeningStore(await connect({ url: server.url }), admin, prefix);
    await server.restart();
    await vi.waitFor(() => waiter.store.read('a'), 60_000);
    await waiter.untilSubscribed();
    await expectNotified(waiter, waiter.store);
  });

  test('is optional: without the right to subscribe everything works, and no owner is asked to publish', async () => {
    const { server, admin } = await startServer();
    const rights = ['on', '>secret', `~${prefix}*`, 'resetchannels', '+@all'];
    await admin.acl('SETUSER', 'deaf', ...rights);
    const store = await connect({ url: server.url, username: 'deaf', password: 'secret' });
    const heard: string[] = [];
    store.onAttemptEnded((key) => heard.push(key));
    await vi.waitUntil(async () => String(await admin.acl('LOG')).includes('subscribe'), 60_000);
    const lease = await acquireLease({ store, key: 'a' });
    await store.acquire('a', acquireRequest({ notifyOnEnd: true }));
    expect((await admin.get(`${prefix}{a}a`))?.[recordMark.length + checksumLength]).toBe('p');
    await store.complete(lease, completionOf('paid'));
    expect(store.health()).toMatchObject({ state: 'ready' });
  });

  test('is not needed by the owner: one who may not publish records its outcome all the same', async () => {
    const { server, admin } = await startServer();
    await admin.acl('SETUSER', 'mute', 'on', '>secret', `~${prefix}*`, 'resetchannels', '+@all');
    const waiter = await listeningStore(await connect({ url: server.url }), admin, prefix);
    const owner = await connect({ url: server.url, username: 'mute', password: 'secret' });
    const lease = await acquireLease({ store: owner, key: 'a' });
    await waiter.store.acquire('a', acquireRequest({ notifyOnEnd: true }));
    expect(await owner.complete(lease, completionOf('paid'))).toMatchObject({ kind: 'ok' });
    expect(await waiter.store.acquire('a', acquireRequest())).toMatchObject({ kind: 'completed' });
  });

  test('keeps no process alive after the store is closed', async () => {
    const main = createRequire(import.meta.url);
    const program = `
      const { executeIdempotently: execute } = require(${JSON.stringify(main.resolve('@onceguard/core'))});
      const { RedisStore } = require(${JSON.stringify(main.resolve('@onceguard/core/redis'))});
      (async () => {
        const store = await RedisStore.connect({ url: ${JSON.stringify(redisUrl())}, prefix: 'ends:${randomUUID()}:' });
        const pay = (work, options) => execute(work, { store, scope: 'tests', key: '1', ...options });
        void pay(() => new Promise(() => {}));
        console.log((await pay(() => 'never', { onInProgress: { waitMs: 200 } })).kind);
        await store.close();
      })();`;
    const run = promisify(execFile)(process.execPath, ['-e', program], { timeout: 60_000 });
    expect((await run).stdout).toBe('in_progress\n');
  });
});

describe('Completions are notified', () => {
  test.each([
    { fate: 'killed', fault: 'kill' },
    { fate: 'frozen', fault: 'freeze' },
  ] as const)('in a cluster from every master, also after the one that was listened to is $fate', async ({ fault }) => {
    const cluster = await startRedisCluster();
    cleanups.push(() => cluster.stop());
    const [owner, store] = [
      await connect({ cluster: cluster.addresses }),
      await connect({ cluster: cluster.addresses }),
    ];
    const [first = expect.fail()] = cluster.masters;
    const waiter = await listeningStore(store, clientOf(first), prefix);
    for (let keys = 0; keys < 10; keys += 1) await expectNotified(waiter, owner);
    const listening = await Promise.all(
      cluster.masters.map(async (node) => (await clientsOf(clientOf(node))).listening),
    );
    const at = listening.findIndex((count) => count > 0);
    await cluster.masters[at]?.[fault]();
    await cluster.waitUntilOk();
    const other = cluster.masters[(at + 1) % cluster.masters.length] ?? expect.fail();
    await waiter.untilSubscribed(clientOf(other));
    await vi.waitFor(() => owner.read('a'), 60_000);
    await expectNotified(waiter, owner);
  });

  test('behind Sentinel, also from the master that took over', async () => {
    const set = await startSentinelSet();
    cleanups.push(() => set.stop());
    const where = { sentinels: set.addresses, name: set.masterName };
    const [owner, store] = [await connect(where), await connect(where)];
    const waiter = await listeningStore(store, clientOf(set.master), prefix);
    await expectNotified(waiter, owner);
    await set.master.kill();
    const [successor = expect.fail()] = set.replicas;
    await vi.waitFor(() => Promise.all([owner.read('a'), store.read('a')]), 60_000);
    await waiter.untilSubscribed(clientOf(successor));
    await expectNotified(waiter, owner);
  });
});
