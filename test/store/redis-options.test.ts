// The options of RedisStore: what is refused, and which client options are warned of.
import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { type Events, onEvent } from '../../packages/core/src/events.js';
import { RedisStore, type RedisStoreOptions } from '../../packages/core/src/stores/redis/index.js';

const safe = { enableOfflineQueue: false, maxRetriesPerRequest: 0, lazyConnect: true };

describe('options', () => {
  const fake = (options: object, nodes?: () => []) => ({
    status: 'ready',
    callBuffer: async () => [],
    options,
    ...(nodes && { nodes }),
  });
  const cluster = (options: object) => fake(options, () => []);

  test.each([
    { code: 'redis_offline_queue', client: fake({}) },
    { code: 'redis_unlimited_retries', client: fake({ ...safe, maxRetriesPerRequest: null }) },
    { code: 'redis_auto_pipelining', client: fake({ ...safe, enableAutoPipelining: true }) },
    { code: 'redis_reads_from_replicas', client: cluster({ ...safe, scaleReads: 'slave' }) },
  ])('are warned of once: $code', ({ code, client }) => {
    const warnings: Events['warning'][] = [];
    const stop = onEvent('warning', (warning) => warnings.push(warning));
    new RedisStore({ client });
    new RedisStore({ client });
    stop();
    expect(warnings.map((warning) => warning.code)).toEqual([code]);
    expect(warnings[0]?.message).toMatch(/(Set|Give RedisStore) .*: /);
  });

  test('are not warned of where they are safe', () => {
    const warnings: unknown[] = [];
    const stop = onEvent('warning', (warning) => warnings.push(warning));
    new RedisStore({ client: fake({ ...safe, enableAutoPipelining: false }) });
    new RedisStore({ client: cluster({ ...safe, scaleReads: 'master', redisOptions: { maxRetriesPerRequest: 0 } }) });
    stop();
    expect(warnings).toEqual([]);
  });

  test('that a store cannot have are refused with name, value and remedy', () => {
    const client = fake(safe);
    const bad: [Record<string, unknown>, RegExp][] = [
      [{}, /client is missing; it must be a client of ioredis/],
      [{ client: new EventEmitter() }, /client is an object; it must be a client of ioredis 5 or 6/],
      [{ client, prefix: 'a{b}' }, /prefix is "a\{b\}"; it must be 1 to 128 printable ASCII characters without/],
      [{ client, prefix: 'a b' }, /prefix is "a b"/],
      [{ client, prefix: '' }, /prefix is ""/],
      [{ client, prefix: 'a\n' }, /prefix is "a\\n"/],
      [{ client, callTimeoutMs: '1s' }, /callTimeoutMs is "1s"; it must be a whole number of milliseconds/],
      [{ client, callTimeoutMs: 0 }, /callTimeoutMs is 0/],
      [{ client, timeout: 5 }, /timeout is not an option; the options are callTimeoutMs, client, durability, prefix/],
    ];
    for (const [options, message] of bad) {
      expect(() => new RedisStore(options as unknown as RedisStoreOptions)).toThrow(message);
    }
  });
});
