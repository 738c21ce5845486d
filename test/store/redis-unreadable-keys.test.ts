// Keys under the prefix that are no records, or none that this version can read: whoever looks at all records goes past them.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { listDoubts, recoverAll, recovery } from '../../packages/core/src/index.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { acquireLease, acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { type RedisServer, startRedis } from '../support/redis.js';

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

const prefix = 'payments:';

/** A store with three records whose attempts ended as unknown. */
async function threeDoubts(): Promise<RedisStore> {
  const store = new RedisStore({ client: redis, prefix });
  for (let at = 0; at < 3; at += 1) {
    const lease = await acquireLease({ store, key: randomUUID() });
    await store.release(lease, { as: 'unknown', retryAfterMs: null, note: null });
  }
  return store;
}

async function damagedRecord(): Promise<Buffer> {
  const [name = ''] = await redis.keys(`${prefix}{*}*[a-f0-9]`);
  const sound = (await redis.getBuffer(name)) ?? Buffer.alloc(0);
  const damaged = Buffer.from(sound);
  damaged[3] = 'z'.charCodeAt(0);
  return damaged;
}

const foreignKeys: [what: string, name: string, put: (name: string) => Promise<unknown>][] = [
  ['a string of another application', '{42}42', (name) => redis.set(name, 'x')],
  ['an empty string', '{42}42', (name) => redis.set(name, '')],
  ['a hash', '{42}42', (name) => redis.hset(name, 'a', 'b')],
  ['a list', '{42}42', (name) => redis.rpush(name, 'a')],
  ['a stream', '{42}42', (name) => redis.xadd(name, '*', 'a', 'b')],
  ['a string under a name that no record has', '{a }a b/c', (name) => redis.set(name, 'x')],
  ['a string under a name with two pairs of braces', '{42}42:{43}', (name) => redis.set(name, 'x')],
  ['a record of a newer layout', '{42}42', (name) => redis.set(name, 'og9 and what nobody knows yet')],
  ['the beginning of a record', '{42}42', (name) => redis.set(name, 'og1c')],
  ['a damaged record', '{42}42', async (name) => await redis.set(name, await damagedRecord())],
];

test.each(foreignKeys)('%s is skipped and counted, and all others are found', async (_what, name, put) => {
  const store = await threeDoubts();
  await put(prefix + name);
  const page = await store.scan({ cursor: null, limit: 1_000 });
  expect([page.records.length, page.skipped, page.cursor]).toEqual([3, 1, null]);
  const listed = await listDoubts(store, { limit: 1_000 });
  expect([listed.doubts.length, listed.skipped]).toEqual([3, 0]);
});

test('a damaged record that may be in doubt is counted by those who list the doubts', async () => {
  const store = await threeDoubts();
  const [name = ''] = await redis.keys(`${prefix}{*}*[a-f0-9]`);
  await redis.set(name, await damagedRecord());
  const listed = await listDoubts(store);
  expect([listed.doubts.length, listed.skipped]).toEqual([2, 1]);
  const recovered = await recoverAll(store, { recover: () => recovery.stillUnknown() });
  expect(recovered).toMatchObject({ stillUnknown: 2, skipped: 1, cursor: null });
  await store.remove(name.slice(name.indexOf('}') + 1));
  expect(await listDoubts(store)).toMatchObject({ skipped: 0, cursor: null });
});

test('something else under the name of an index is counted', async () => {
  const store = await threeDoubts();
  await redis.set(`${prefix}{zz}:open`, 'x');
  expect(await listDoubts(store)).toMatchObject({ doubts: { length: 3 }, skipped: 1 });
});

test('a key that is no record does not make a healthy server look ill', async () => {
  const store = await threeDoubts();
  await redis.set(`${prefix}{42}42`, 'x');
  await expect(store.acquire('42', acquireRequest())).rejects.toMatchObject({
    message: expect.stringMatching(/FOREIGNKEY/),
  });
  expect(store.health()).toMatchObject({ state: 'ready', lastError: null });
});

test('a refusal of the server is not counted as a skipped key', async () => {
  const store = await threeDoubts();
  await server.command('ACL', 'SETUSER', 'default', '-evalsha', '-eval');
  try {
    await expect(store.scan({ cursor: null, limit: 1_000 })).rejects.toMatchObject({ class: 'misconfigured' });
  } finally {
    await server.command('ACL', 'SETUSER', 'default', '+evalsha', '+eval');
  }
});
