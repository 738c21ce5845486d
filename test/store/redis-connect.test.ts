// RedisStore.connect: a connection of the store's own, while Redis is there, is away, and refuses.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { describe, expect, test, vi } from 'vitest';
import { type Events, onEvent } from '../../packages/core/src/events.js';
import { type ConnectOptions, RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { acquireLease, acquireRequest, completionOf } from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl, startRedis } from '../support/redis.js';

const commands =
  '+evalsha +eval +time +get +set +del +hget +hgetall +hset +hdel +pexpireat +zadd +zrem +pttl +pexpire +scan +info'.split(
    ' ',
  );

describe('RedisStore.connect', () => {
  test.each([
    { how: 'a URL', options: () => redisUrl() },
    { how: 'options', options: () => ({ url: redisUrl(), prefix: 'mine:', callTimeoutMs: 5_000 }) },
  ])('takes $how, is ready when it answers, and ends its connection at close', async ({ options }) => {
    const warnings: Events['warning'][] = [];
    const stop = onEvent('warning', (warning) => warnings.push(warning));
    const store = await RedisStore.connect(options());
    stop();
    expect(warnings.map(({ code }) => code).filter((code) => code !== 'redis_not_persistent')).toEqual([]);
    const key = randomUUID();
    await acquireLease({ store, key });
    await store.remove(key);
    await store.close();
    await store.close();
    await expect(store.read(key)).rejects.toMatchObject({
      class: 'misconfigured',
      message: expect.stringMatching(/This store is closed/),
    });
  });

  test('answers although Redis is away, warns, fails calls at once with the cause, and heals', async () => {
    const server = await startRedis();
    await server.kill();
    const warned = new Promise<Events['warning']>((resolve) => onEvent('warning', resolve));
    const store = await RedisStore.connect({ url: server.url, connectTimeoutMs: 100 });
    expect(await warned).toMatchObject({ code: 'redis_not_connected', message: expect.stringMatching(/ECONNREFUSED/) });
    await expect(store.read('a')).rejects.toMatchObject({
      class: 'unavailable',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
    await server.restart();
    await vi.waitFor(() => store.read('a'), 60_000);
    await store.close();
    await server.stop();
  });

  test.each([
    { word: 'NOAUTH', login: {} },
    { word: 'WRONGPASS', login: { password: 'wrong' } },
  ])('names $word as misconfigured, keeps trying, and heals when an operator has acted', async ({ word, login }) => {
    const server = await startRedis({ args: ['--requirepass', 'right'] });
    const store = await RedisStore.connect({ url: server.url, connectTimeoutMs: 200, ...login });
    await expect(store.read('a')).rejects.toMatchObject({
      class: 'misconfigured',
      message: expect.stringContaining(word),
    });
    const admin = new Redis(server.url, { password: 'right' });
    await admin.acl('SETUSER', 'default', 'nopass');
    await vi.waitFor(() => store.read('a'), 60_000);
    admin.disconnect();
    await store.close();
    await server.stop();
  });

  test('refuses options that it does not know, or decides itself, and shows no password', async () => {
    const bad: [object | string, RegExp][] = [
      [
        { host: 'localhost', maxRetriesPerRequest: 5 },
        /maxRetriesPerRequest is not an option; the options are callTimeoutMs, cluster, connect/,
      ],
      ['localhost:6379', /url is "localhost:6379"; it must begin with redis:\/\/ or rediss:\/\//],
      ['redis://localhost?maxRetriesPerRequest=5', /and have no query; options have names here/],
      [{ url: 'http://user:secret@host' }, /^(?!.*secret)/],
    ];
    for (const [options, message] of bad) {
      await expect(RedisStore.connect(options as ConnectOptions)).rejects.toThrow(message);
    }
  });

  test('needs ioredis, and says so where it is missing', async () => {
    vi.doMock('ioredis', () => {
      throw Object.assign(new Error("Cannot find package 'ioredis'"), { code: 'ERR_MODULE_NOT_FOUND' });
    });
    const remedy = /RedisStore\.connect\(\) needs the package ioredis\. Install it \(npm install ioredis\)/;
    await expect(RedisStore.connect(redisUrl())).rejects.toThrow(remedy);
    vi.doUnmock('ioredis');
  });

  test('needs a Redis user of no more than these commands and keys', async () => {
    const server = await startRedis();
    const admin = new Redis(server.url);
    await admin.acl('SETUSER', 'store', 'on', '>secret', 'resetkeys', '~onceguard:*', '-@all', ...commands);
    const store = await RedisStore.connect({ url: server.url, username: 'store', password: 'secret' });
    const key = randomUUID();
    const lease = await acquireLease({ store, key });
    await store.renew(lease, 1_000);
    await store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
    await store.complete(lease, completionOf('paid'));
    expect((await store.acquire(key, acquireRequest())).kind).toBe('completed');
    expect((await store.scan({ cursor: null, limit: 10 })).records).toHaveLength(1);
    await store.remove(key);
    admin.disconnect();
    await store.close();
    await server.stop();
  });
});
