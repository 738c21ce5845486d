// check(): each setting of a server that matters is found where it is wrong, and nowhere else.
import { once } from 'node:events';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis5';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';
import { startFaultProxy } from '../../packages/testing/src/index.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { checkAt, checkWith, codesOf } from './run-check.js';

const faultless = ['--appendonly', 'yes', '--appendfsync', 'always'];

const settings: { sets: string; finds: string[]; says?: RegExp }[] = [
  { sets: '', finds: [] },
  { sets: '--maxmemory 100mb', finds: [] },
  { sets: '--maxmemory 100mb --maxmemory-policy allkeys-lru', finds: ['redis_evicts'], says: /allkeys-lru/ },
  { sets: '--maxmemory 100mb --maxmemory-policy volatile-ttl', finds: ['redis_evicts'], says: /volatile-ttl/ },
  { sets: '--maxmemory-policy volatile-lru', finds: ['redis_may_evict'], says: /volatile-lru/ },
  { sets: '--appendonly no', finds: ['redis_not_persistent'] },
  { sets: '--appendonly no --save 60 1', finds: ['redis_not_persistent'] },
  { sets: '--appendfsync no', finds: ['redis_fsync_never'] },
  { sets: '--appendfsync everysec', finds: ['redis_fsync_every_second'] },
  { sets: '--min-replicas-to-write 1', finds: ['redis_rejects_writes'], says: /NOREPLICAS/ },
  // Less than an empty server takes.
  { sets: '--maxmemory 100kb', finds: ['redis_rejects_writes'], says: /OOM/ },
];

test.each(settings)('A faultless server with "$sets" has the findings $finds', async ({ sets, finds, says = /^/ }) => {
  const server = await startRedis({ args: [...faultless, ...sets.split(' ').filter(Boolean)] });
  const findings = await checkAt(server.url);
  await server.stop();
  expect(codesOf(findings)).toEqual(finds);
  for (const { message, remedy, server: about } of findings) {
    expect(message).toMatch(says);
    expect(message).not.toMatch(/[{}]|undefined|\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
    expect(about).toBe(`127.0.0.1:${server.port}`);
  }
});

describe('With a server that is well', () => {
  let server: RedisServer;

  beforeAll(async () => {
    server = await startRedis({ args: faultless });
  });

  afterAll(() => server.stop());

  test.each([
    { name: 'ioredis 6 with safe options', connect: (url: string) => new Redis(url, safeRedisOptions()), finds: [] },
    { name: 'ioredis 6 as it is', connect: (url: string) => new Redis(url), finds: ['redis_offline_queue'] },
    { name: 'ioredis 5 as it is', connect: (url: string) => new Redis5(url), finds: ['redis_offline_queue'] },
    {
      name: 'a client that repeats without end',
      connect: (url: string) => new Redis(url, { ...safeRedisOptions(), maxRetriesPerRequest: null }),
      finds: ['redis_unlimited_retries'],
    },
    {
      name: 'a client that pipelines by itself',
      connect: (url: string) => new Redis(url, { ...safeRedisOptions(), enableAutoPipelining: true }),
      finds: ['redis_auto_pipelining'],
    },
    {
      name: 'a client with a prefix of its own',
      connect: (url: string) => new Redis(url, { ...safeRedisOptions(), keyPrefix: 'app:' }),
      finds: [],
    },
  ])('$name has the findings $finds', async ({ connect, finds }) => {
    const client = connect(server.url);
    await Promise.all([once(client, 'ready'), client.status === 'wait' && client.connect()]);
    const findings = await checkWith(client);
    client.disconnect();
    expect(codesOf(findings)).toEqual(finds);
    for (const { server: about } of findings) expect(about).toBe('client');
  });

  test('nothing is left behind', async () => {
    await checkAt(server.url);
    expect(await server.command('DBSIZE')).toBe(0);
  });

  test('a round trip of a tenth of the deadline is reported as slow, a faster one is not', async () => {
    const proxy = await startFaultProxy(server.url);
    proxy.setDelay(60);
    const [slow] = await checkAt(proxy.url, { callTimeoutMs: 1_000 });
    expect(slow).toMatchObject({
      code: 'redis_slow',
      severity: 'warning',
      message: expect.stringMatching(/takes \d{3,} ms.*\(1000\)/),
    });
    expect(await checkAt(proxy.url, { callTimeoutMs: 60_000 })).toEqual([]);
    await proxy.close();
  });

  test.each([
    [5_000, [{ code: 'redis_clock_differs', message: expect.stringMatching(/clock is [45]\.\d s behind that of/) }]],
    [-5_000, [{ code: 'redis_clock_differs', message: expect.stringMatching(/clock is 5\.\d s ahead of/) }]],
    [500, []],
    [-500, []],
  ])('a process whose clock is wrong by %d ms finds %j', async (wrongMs, finds) => {
    const now = Date.now;
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() + wrongMs);
    const findings = await checkAt(server.url);
    clock.mockRestore();
    expect(findings).toMatchObject(finds);
    expect(findings).toHaveLength(finds.length);
  });
});
