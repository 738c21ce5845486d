// The options that all stores have in common: a name for events, and the limits of the queues.
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ConfigurationError } from '../../packages/core/src/errors.js';
import { type EventSubject, type Events, onEvent } from '../../packages/core/src/events.js';
import { executeIdempotently } from '../../packages/core/src/functions/execute-idempotently.js';
import type { IdempotencyStore, RetryQueueLimits } from '../../packages/core/src/store/port.js';
import { localCache } from '../../packages/core/src/stores/local-cache/local-cache.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { RedisStore, safeRedisOptions } from '../../packages/core/src/stores/redis/index.js';
import { startRedis } from '../../packages/testing/src/index.js';
import { redisUrl } from '../support/redis.js';

interface CommonOptions {
  readonly storeName?: string;
  readonly retryQueueLimits?: RetryQueueLimits;
}

const client = new Redis(redisUrl(), { enableOfflineQueue: true, maxRetriesPerRequest: 0 });
afterAll(() => client.disconnect());

const prefix = 'store-options:';
const makers: readonly [what: string, name: string, make: (options: CommonOptions) => Promise<IdempotencyStore>][] = [
  ['new MemoryStore()', 'memory', async (options) => new MemoryStore(options)],
  ['new RedisStore()', 'redis', async (options) => new RedisStore({ client, prefix, ...options })],
  [
    'RedisStore.connect()',
    'redis',
    async (options) => await RedisStore.connect({ url: redisUrl(), prefix, ...options }),
  ],
];

describe.each(makers)('%s', (what, defaultName, make) => {
  test('has the name that it is given, or a default', async () => {
    for (const [options, name] of [
      [{}, defaultName],
      [{ storeName: 'payments' }, 'payments'],
    ] as const) {
      const store = await make(options);
      expect(store.name).toBe(name);
      await store.close();
    }
  });

  test('has the limits that it is given, or none of its own', async () => {
    for (const retryQueueLimits of [undefined, { maxCalls: 5 }, { maxBytes: 0 }]) {
      const store = await make(retryQueueLimits === undefined ? {} : { retryQueueLimits });
      expect(store.retryQueueLimits).toEqual(retryQueueLimits);
      await store.close();
    }
  });

  test.each([
    [{ storeName: '' }, /storeName is ""; it must be 1 to 100 characters, such as "payments"\./],
    [{ storeName: 5 }, /storeName is 5; it must be 1 to 100 characters/],
    [{ storeName: 'x'.repeat(101) }, /storeName is "x+"; it must be 1 to 100 characters/],
    [{ retryQueueLimits: { maxCalls: 0 } }, /maxCalls is 0; it must be a whole number of calls from 1 to 1000000\./],
    [
      { retryQueueLimits: { maxBytes: -1 } },
      /maxBytes is -1; it must be a whole number of bytes from 0 to .* 67108864\./,
    ],
    [{ retryQueueLimits: { max: 1 } }, /retryQueueLimits\.max is not an option/],
  ])('refuses %j with name, value and remedy', async (options, message) => {
    const error = await make(options as never).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
    expect(error).toMatchObject({ message: expect.stringContaining(`${what}: `) });
  });
});

test('The stores on one client are named each in the event of a server that has restarted', async () => {
  const server = await startRedis();
  const shared = new Redis(server.url, safeRedisOptions());
  // The client reconnects by itself; the stores are what reports errors.
  shared.on('error', () => {});
  const stores = ['payments', 'sessions', 'sessions', 'closed'].map(
    (storeName) => new RedisStore({ client: shared, prefix, storeName }),
  );
  const [payments, , , closed] = stores;
  const events: Events['data_may_be_lost'][] = [];
  const stop = onEvent('data_may_be_lost', (event) => events.push(event));
  await vi.waitFor(async () => await payments?.read('anything'), 60_000);
  await closed?.close();
  await server.restart();
  await vi.waitUntil(() => events.length >= 2, 60_000);
  stop();
  shared.disconnect();
  await server.stop();
  expect(events.map(({ store }) => store)).toEqual(['payments', 'sessions']);
});

test('Two stores are told apart in events by their names, a local cache too', async () => {
  const sessions = new MemoryStore({ storeName: 'sessions' });
  const stores = [new MemoryStore(), sessions, localCache(sessions), localCache(sessions, { storeName: 'cached' })];
  const events: EventSubject[] = [];
  const stop = onEvent('acquired', (event) => events.push(event));
  for (const [index, store] of stores.entries()) {
    await executeIdempotently(() => 'paid', { store, scope: 'tests', key: `payment-${index}` });
  }
  stop();
  expect(events.map(({ store }) => store)).toEqual(['memory', 'sessions', 'sessions', 'cached']);
});
