// What RedisStore does where a record was changed, cut off, copied, or has lost its steps.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  resolveRequest,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { type RedisServer, startRedis } from '../support/redis.js';

const hourMs = 3_600_000;

let server: RedisServer;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

afterEach(() => redis.flushall());

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

function openStore() {
  return { store: new RedisStore({ client: redis }), key: randomUUID() };
}

const step = { step: 'charge', seq: 1, bytes: Buffer.from('x') };

test('a record whose bytes were changed or cut off is damaged to every verb but remove, and stays as it is', async () => {
  const { store, key } = openStore();
  const name = recordKeys('onceguard:', key).record;
  const lease = await acquireLease({ store, key });
  const sound = (await redis.getBuffer(name)) ?? Buffer.alloc(0);
  const damaged = [sound.subarray(0, 4), sound.subarray(0, 60), sound.subarray(0, -1)];
  for (let at = 'og3'.length; at < sound.length; at += 1) {
    const changed = Buffer.from(sound);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    damaged.push(changed);
  }
  const calls = [
    () => store.acquire(key, acquireRequest()),
    () => store.renew(lease, hourMs),
    () => store.checkpoint(lease, step),
    () => store.complete(lease, completionOf('paid')),
    () => store.release(lease, { as: 'retryable' }),
    () => store.resolve(key, resolveRequest(1)),
    () => store.read(key),
  ];
  for (const [n, bytes] of damaged.entries()) {
    await redis.set(name, bytes);
    const call = calls[n % calls.length] ?? calls[0];
    await expect(call?.()).rejects.toMatchObject({ class: 'damaged', code: 'record_damaged' });
    expect(await redis.getBuffer(name)).toEqual(bytes);
  }
  const { now } = await store.remove(key);
  expect((await store.read(key)).record).toMatchObject({ state: 'removed', expiresAt: now + hourMs });
  expect((await store.complete(lease, completionOf('late'))).kind).toBe('lost');
  expect((await acquireLease({ store, key })).fencingToken).toBeGreaterThan(lease.fencingToken);
});

test('a record under the key of another is damaged', async () => {
  const { store, key } = openStore();
  await acquireLease({ store, key });
  const other = randomUUID();
  await redis.copy(recordKeys('onceguard:', key).record, recordKeys('onceguard:', other).record);
  await expect(store.acquire(other, acquireRequest())).rejects.toMatchObject({ class: 'damaged' });
});

test('a record that has lost its steps is damaged, and is not run again', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  await store.checkpoint(lease, step);
  await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
  await redis.del(recordKeys('onceguard:', key).side);
  const before = await redis.getBuffer(recordKeys('onceguard:', key).record);
  for (const call of [
    () => store.acquire(key, acquireRequest({ onAbandoned: 'recover' })),
    () => store.resolve(key, resolveRequest(lease.fencingToken)),
    () => store.read(key),
  ]) {
    await expect(call()).rejects.toMatchObject({
      class: 'damaged',
      message: expect.stringContaining('lost its steps'),
    });
  }
  expect(await redis.getBuffer(recordKeys('onceguard:', key).record)).toEqual(before);
  expect((await store.resolve(key, resolveRequest(lease.fencingToken, { as: 'done' }))).kind).toBe('ok');
});

test('a step without a number is damaged', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  await store.checkpoint(lease, step);
  await redis.hset(recordKeys('onceguard:', key).side, 'charge', 'x');
  await expect(store.checkpoint(lease, step)).rejects.toMatchObject({ class: 'damaged' });
  await expect(store.read(key)).rejects.toMatchObject({ class: 'damaged' });
});
