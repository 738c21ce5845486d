// localCache proves itself by the published contract: around either store it is a store.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../packages/core/src/errors.js';
import { localCache } from '../../packages/core/src/stores/local-cache/local-cache.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { manualClock, storeSuite } from '../../packages/testing/src/index.js';
import { redisUrl } from '../support/redis.js';

const runner = { describe, test };

storeSuite({
  name: 'localCache around a MemoryStore on a manual clock',
  runner,
  capabilities: { shared: false, controllableClock: true },
  async create() {
    const clock = manualClock();
    const store = localCache(new MemoryStore({ clock: clock.now }));
    return { store, advance: clock.advance, close: async () => {} };
  },
});

const client = new Redis(redisUrl(), { enableOfflineQueue: true, maxRetriesPerRequest: 0 });
afterAll(() => client.disconnect());

storeSuite({
  name: 'localCache around a RedisStore',
  runner,
  capabilities: { shared: true, controllableClock: false },
  async create() {
    const prefix = `suite:${randomUUID()}:`;
    const store = localCache(new RedisStore({ client, prefix }));
    const peer = localCache(new RedisStore({ client, prefix }));
    return { store, peer, close: () => peer.close() };
  },
});

const refused: readonly (readonly [options: unknown, message: RegExp])[] = [
  [{ maxBytes: 1_000 }, /maxBytes is 1000; it must be a whole number of bytes from 65536 to .* write 67108864\./],
  [{ maxBytes: '64MB' }, /maxBytes is "64MB"; /],
  [{ maxAgeMs: 0 }, /maxAgeMs is 0; it must be a whole number of milliseconds from 1 to 86400000\. .* write 30000\./],
  [{ maxAgeMs: '1m' }, /maxAgeMs is "1m"; /],
  [{ maxAge: 5 }, /maxAge is not an option; the options are maxAgeMs, maxBytes, storeName\./],
  [{ storeName: '' }, /storeName is ""; it must be 1 to 100 characters/],
  [null, /the options argument is null; it must be an object\./],
];

test.each(refused)('localCache() refuses %o with name, value and remedy', (options, message) => {
  const make = () => Reflect.apply(localCache, undefined, [new MemoryStore(), options]);
  expect(make).toThrow(message);
  expect(make).toThrow(/^localCache\(\): /);
  expect(make).toThrow(ConfigurationError);
});

test('A localCache has the name and the deadline of the store inside, or a name of its own', () => {
  const store = new MemoryStore({ callTimeoutMs: 123, storeName: 'sessions' });
  const { name, callTimeoutMs } = localCache(store);
  expect({ name, callTimeoutMs }).toEqual({ name: 'sessions', callTimeoutMs: 123 });
  expect(localCache(store, { storeName: 'cached sessions' }).name).toBe('cached sessions');
});
