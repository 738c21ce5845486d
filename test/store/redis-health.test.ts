// store.health(): what the calls of this process saw of Redis, from the first connection to a loss and back.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type ConnectOptions, type RedisHealth, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { startFaultProxy, startRedis, startSentinelSet } from '../../packages/testing/src/index.js';
import { redisUrl } from '../support/redis.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of cleanups.splice(0).reverse()) await end();
});

async function open(options: ConnectOptions): Promise<RedisStore> {
  const store = await RedisStore.connect({ prefix: `${randomUUID()}:`, callTimeoutMs: 300, ...options });
  cleanups.push(() => store.close());
  return store;
}

/** Resolves with the health when it is this. */
async function untilHealthIs(store: RedisStore, state: RedisHealth['state']): Promise<RedisHealth> {
  await vi.waitUntil(() => store.health().state === state, 60_000);
  return store.health();
}

async function untilCallsFail(store: RedisStore): Promise<void> {
  await expect(store.read('anything')).rejects.toMatchObject({ code: 'store_unavailable' });
}

async function untilAnswered(store: RedisStore): Promise<void> {
  await vi.waitFor(async () => await store.read('anything'), 60_000);
}

describe('health', () => {
  test('is never_ready, with the cause, until a server is there; and then ready', async () => {
    const server = await startRedis();
    cleanups.push(() => server.stop());
    await server.kill();
    const begin = Date.now();
    const store = await open({ url: server.url, connectTimeoutMs: 200 });
    await vi.waitUntil(() => store.health().lastError !== null, 60_000);
    const before = store.health();
    expect(before).toMatchObject({ state: 'never_ready', lastError: expect.stringContaining('ECONNREFUSED') });
    expect(before.since).toBeGreaterThanOrEqual(begin);
    await untilCallsFail(store);
    expect(store.health()).toMatchObject({ state: 'never_ready', since: before.since });
    await server.restart();
    await untilAnswered(store);
    const { state, lastError, since } = await untilHealthIs(store, 'ready');
    expect([state, lastError]).toEqual(['ready', null]);
    expect(since).toBeGreaterThanOrEqual(before.since);
  });

  test('is degraded while a server is silent, since its first failure, and ready when it answers again', async () => {
    const server = await startRedis();
    cleanups.push(() => server.stop());
    const store = await open({ url: server.url });
    await untilAnswered(store);
    const ready = store.health();
    expect(ready).toMatchObject({ state: 'ready', lastError: null });
    server.freeze();
    await untilCallsFail(store);
    const degraded = store.health();
    expect(degraded).toMatchObject({ state: 'degraded', lastError: expect.any(String) });
    expect(degraded.since).toBeGreaterThanOrEqual(ready.since);
    await untilCallsFail(store);
    expect(store.health()).toMatchObject({ state: 'degraded', since: degraded.since });
    server.thaw();
    await untilAnswered(store);
    const again = await untilHealthIs(store, 'ready');
    expect(again.lastError).toBeNull();
    expect(again.since).toBeGreaterThanOrEqual(degraded.since);
  });

  test('is degraded as soon as the connection is lost, without a call, and ready when it is back', async () => {
    const server = await startRedis();
    const proxy = await startFaultProxy(server.url);
    cleanups.push(
      () => server.stop(),
      () => proxy.close(),
    );
    const store = await open({ url: proxy.url });
    await untilAnswered(store);
    await server.kill();
    expect((await untilHealthIs(store, 'degraded')).lastError).toMatch(/connection/i);
    await untilCallsFail(store);
    await server.restart();
    expect((await untilHealthIs(store, 'ready')).lastError).toBeNull();
  });

  test('of a store that was closed is closed, since then, whatever the client of the others does', async () => {
    const client = new Redis(redisUrl(), { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    cleanups.push(() => client.disconnect());
    const [one, other] = [1, 2].map(() => new RedisStore({ client, prefix: `${randomUUID()}:` }));
    await vi.waitFor(async () => await Promise.all([one?.read('a'), other?.read('a')]), 60_000);
    const begin = Date.now();
    await one?.close();
    const closed = one?.health();
    expect(closed).toMatchObject({ state: 'closed', lastError: expect.stringMatching(/This store is closed/) });
    expect(closed?.since).toBeGreaterThanOrEqual(begin);
    expect(one?.health()).toEqual(closed);
    expect(other?.health().state).toBe('ready');
  });

  test.each([
    ['connect', async () => await RedisStore.connect(redisUrl())],
    ['connect, where nobody listens', async () => await RedisStore.connect({ port: 1, connectTimeoutMs: 50 })],
  ])('of a closed store is closed: %s', async (_how, open) => {
    const store = await open();
    await store.close();
    expect(store.health().state).toBe('closed');
  });

  test('is closed where its client was closed for good', async () => {
    const client = new Redis(redisUrl());
    const store = new RedisStore({ client });
    await store.read('a');
    client.disconnect();
    await vi.waitUntil(() => store.health().state === 'closed', 60_000);
    expect(store.health().lastError).toMatch(/The Redis client is closed/);
    await expect(store.read('a')).rejects.toMatchObject({ class: 'misconfigured' });
  });

  test('is that of the client: stores that share it see the same', async () => {
    const server = await startRedis();
    const client = new Redis(server.url, { enableOfflineQueue: false, maxRetriesPerRequest: 0 });
    client.on('error', () => {});
    cleanups.push(
      () => server.stop(),
      () => client.disconnect(),
    );
    const [one, other] = [1, 2].map(() => new RedisStore({ client, prefix: `${randomUUID()}:` }));
    if (one === undefined || other === undefined) throw new Error('There are two.');
    expect(one.health().state).toBe('never_ready');
    await untilAnswered(one);
    expect(other.health()).toEqual(one.health());
    expect(other.health().state).toBe('ready');
    await server.kill();
    await untilHealthIs(one, 'degraded');
    expect(other.health()).toEqual(one.health());
  });

  test('is degraded during a failover behind Sentinel, and ready after it', async () => {
    const { masterName, addresses, master, stop } = await startSentinelSet();
    cleanups.push(stop);
    const store = await open({ sentinels: addresses, name: masterName });
    await untilAnswered(store);
    await master.kill();
    await untilHealthIs(store, 'degraded');
    await vi.waitFor(async () => await store.read('anything'), 60_000);
    expect(await untilHealthIs(store, 'ready')).toMatchObject({ lastError: null });
  });
});
