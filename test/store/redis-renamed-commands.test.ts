// Servers on which commands have other names, or none: what works all the same, and what is said of what does not.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ConnectOptions, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { startRedis, startRedisCluster, startSentinelSet } from '../../packages/testing/src/index.js';
import { acquireLease, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

async function connect(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ connectTimeoutMs: 1_000, ...options });
  cleanups.push(() => store.close());
  return store;
}

const withoutInfo = ['--rename-command', 'INFO', ''];

describe('Without INFO', () => {
  test('a store on one server works, and its check says what cannot be known', async () => {
    const server = await startRedis({ args: withoutInfo });
    cleanups.push(() => server.stop());
    const store = await connect({ url: server.url });
    const lease = await acquireLease({ store, key: randomUUID() });
    expect(await store.complete(lease, completionOf('paid'))).toMatchObject({ kind: 'ok' });
    expect(store.health()).toMatchObject({ state: 'ready' });
    expect((await store.check()).map(({ code }) => code)).toEqual(['redis_no_info']);
  });

  test('a store that was connected works again after the connection was lost', async () => {
    const server = await startRedis({ args: withoutInfo });
    cleanups.push(() => server.stop());
    const store = await connect({ url: server.url });
    await server.restart();
    await vi.waitFor(() => store.read('a'), 60_000);
  });

  test('a store on a cluster works', async () => {
    const cluster = await startRedisCluster({ replicasPerMaster: 0 });
    cleanups.push(() => cluster.stop());
    // The tools of the test need INFO, the store does not.
    for (const node of cluster.nodes) {
      await node.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-info');
    }
    const store = await connect({ cluster: cluster.addresses, username: 'app', password: 'secret' });
    await acquireLease({ store, key: randomUUID() });
  });

  test('a client that asks for it is said to be the cause, as misconfigured', async () => {
    const server = await startRedis({ args: withoutInfo });
    cleanups.push(() => server.stop());
    const client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 }).on('error', () => {});
    cleanups.push(() => client.disconnect());
    const store = new RedisStore({ client });
    const said = /unknown command INFO: .* Leave INFO its name, or set enableReadyCheck: false/;
    await vi.waitFor(async () => {
      await expect(store.read('a')).rejects.toMatchObject({
        class: 'misconfigured',
        message: expect.stringMatching(said),
      });
    }, 60_000);
    expect(store.health().lastError).toMatch(said);
  });
});

test.each(['PEXPIREAT', 'HSET'])(
  'Without %s a call says so, as misconfigured, and so does the check',
  async (command) => {
    const server = await startRedis({ args: ['--rename-command', command, ''] });
    cleanups.push(() => server.stop());
    const store = await connect({ url: server.url });
    const lease = await acquireLease({ store, key: randomUUID() });
    const step = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
    await expect(store.checkpoint(lease, step)).rejects.toMatchObject({
      class: 'misconfigured',
      message: expect.stringMatching(/unknown (redis )?command|invalid command/i),
    });
    expect(await store.check()).toContainEqual(
      expect.objectContaining({ code: 'redis_no_rights', message: expect.stringContaining(command) }),
    );
  },
);

test('Without EVALSHA every call says so, as misconfigured', async () => {
  const server = await startRedis({ args: ['--rename-command', 'EVALSHA', ''] });
  cleanups.push(() => server.stop());
  const store = await connect({ url: server.url });
  await expect(store.read('a')).rejects.toMatchObject({
    class: 'misconfigured',
    message: expect.stringMatching(/unknown command .?evalsha/i),
  });
});

test('A Sentinel that is given as a server is known as one', async () => {
  const set = await startSentinelSet({ sentinels: 1 });
  cleanups.push(set.stop);
  const store = await connect({ host: '127.0.0.1', port: set.sentinels[0]?.port ?? 0 });
  expect((await store.check()).map(({ code }) => code)).toEqual(['redis_sentinel']);
});
