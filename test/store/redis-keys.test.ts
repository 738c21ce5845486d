// What RedisStore leaves in Redis: which keys, with which ends, and what it does where something else stands there.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import {
  acquireLease,
  acquireRequest,
  assertAcquired,
  completionOf,
  resolveRequest,
  toLease,
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

function openStore(options: { prefix?: string; client?: Redis } = {}) {
  return { store: new RedisStore({ client: redis, ...options }), key: randomUUID() };
}

const step = { step: 'charge', seq: 2, bytes: Buffer.from('x') };

test('a record with its outcome is one string', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  await store.complete(lease, completionOf('paid', { outcomeTtlMs: lease.recordTtlMs }));
  expect(await redis.keys('*')).toEqual([recordKeys('onceguard:', key).record]);
  expect(await redis.get(recordKeys('onceguard:', key).record)).toMatch(/^og3[0-9a-f]{8}c.*paid$/s);
});

test('steps are kept in a side key with the same hash tag until completion; afterwards it holds the outcome that expires earlier', async () => {
  const { store, key } = openStore();
  const [name, beside] = [recordKeys('onceguard:', key).record, recordKeys('onceguard:', key).side];
  const lease = await acquireLease({ store, key });
  expect(await redis.keys('*')).toEqual([name]);
  await store.checkpoint(lease, step);
  expect((await redis.keys('*')).sort()).toEqual([name, beside]);
  expect(await redis.hgetall(beside)).toEqual({ charge: '2:x' });
  await store.complete(lease, completionOf('paid', { outcomeTtlMs: lease.recordTtlMs - 1 }));
  expect(await redis.get(beside)).toBe('paid');
  expect(await redis.get(name)).not.toContain('paid');
});

test('keys end a minute after what they hold', async () => {
  const { store, key } = openStore();
  /** Redis counts from its own time, which may differ from that of the script by a little. */
  const minutesAfter = async (suffix: string, at: number | undefined) =>
    Math.round(((await redis.pexpiretime(`${recordKeys('onceguard:', key).record}${suffix}`)) - (at ?? 0)) / 60_000);
  const expiresAt = async () => (await store.read(key)).record?.expiresAt;
  const lease = await acquireLease({ store, key });
  expect(await minutesAfter('', await expiresAt())).toBe(1);
  await store.checkpoint(lease, step);
  expect(await minutesAfter(':more', await expiresAt())).toBe(1);
  await store.renew(lease, 3 * lease.recordTtlMs);
  expect(await minutesAfter('', await expiresAt())).toBe(1);
  expect(await minutesAfter(':more', await expiresAt())).toBe(1);
  await store.complete(lease, completionOf('paid', { outcomeTtlMs: hourMs }));
  const { record: done } = await store.read(key);
  expect(await minutesAfter('', done?.expiresAt)).toBe(1);
  expect(await minutesAfter(':more', (done?.completedAt ?? 0) + hourMs)).toBe(1);
});

test('steps left by an earlier record of the same name are ignored', async () => {
  const { store, key } = openStore();
  await redis.hset(recordKeys('onceguard:', key).side, 'mail', '2:sent');
  const asked = acquireRequest();
  const first = assertAcquired(await store.acquire(key, asked));
  expect(first.steps).toEqual(new Map());
  const lease = toLease(key, asked, first);
  await store.checkpoint(lease, step);
  expect([...((await store.read(key)).record?.steps.keys() ?? [])]).toEqual(['charge']);
});

test('a user who may not give steps an end is found out before anything is written', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  const before = await redis.dumpBuffer(recordKeys('onceguard:', key).record);
  await redis.acl('SETUSER', 'default', '-pexpireat');
  await expect(store.checkpoint(lease, step)).rejects.toMatchObject({
    class: 'misconfigured',
    message: expect.stringContaining('NOPERM The user may not run PEXPIREAT'),
  });
  await redis.acl('SETUSER', 'default', '+pexpireat');
  expect(await redis.keys('*')).toEqual([recordKeys('onceguard:', key).record]);
  expect(await redis.dumpBuffer(recordKeys('onceguard:', key).record)).toEqual(before);
  expect((await store.checkpoint(lease, step)).kind).toBe('ok');
});

test('missing bytes read as a tombstone and never as absent', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  await store.complete(lease, completionOf('paid', { note: '201', outcomeTtlMs: hourMs }));
  await redis.del(recordKeys('onceguard:', key).side);
  expect(await store.acquire(key, acquireRequest())).toMatchObject({ kind: 'expired', note: '201' });
  expect((await store.read(key)).record).toMatchObject({ state: 'completed', outcome: null });
});

test('scripts are loaded again, at every verb, after the server lost them', async () => {
  const { store, key } = openStore();
  const forgotten = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    await redis.script('FLUSH');
    return await call();
  };
  const asked = acquireRequest();
  const lease = toLease(key, asked, assertAcquired(await forgotten(() => store.acquire(key, asked))));
  const point = { step: 'charge', seq: 1, bytes: Buffer.from('x') };
  const answers = [
    await forgotten(() => store.renew(lease, hourMs)),
    await forgotten(() => store.checkpoint(lease, point)),
    await forgotten(() => store.release(lease, { as: 'unknown', retryAfterMs: null, note: null })),
    await forgotten(() => store.resolve(key, resolveRequest(lease.fencingToken, { as: 'done' }))),
    await forgotten(() => store.complete(lease, completionOf('late'))),
    await forgotten(() => store.acquire(key, acquireRequest())),
  ];
  expect(answers.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok', 'ok', 'lost', 'expired']);
  expect((await forgotten(() => store.read(key))).record?.state).toBe('completed');
  await forgotten(() => store.remove(key));
  expect((await store.read(key)).record?.state).toBe('removed');
});

test('stores with other prefixes see nothing of each other, also where a prefix looks like a pattern', async () => {
  const { key } = openStore();
  const [plain, pattern] = [openStore({ prefix: 'shop:a:' }).store, openStore({ prefix: 'shop:[a]*?:' }).store];
  await acquireLease({ store: plain, key });
  expect((await pattern.read(key)).record).toBeNull();
  await acquireLease({ store: pattern, key });
  for (const store of [plain, pattern]) {
    const { records, cursor } = await store.scan({ cursor: null, limit: 1_000 });
    expect([records.map((found) => found.key), cursor]).toEqual([[key], null]);
  }
});

test('a client that puts a prefix of its own before every key is scanned under it', async () => {
  const client = new Redis(server.url, { keyPrefix: 'app[1]:' });
  const { store, key } = openStore({ client });
  await acquireLease({ store, key });
  expect(await redis.keys('*')).toEqual([recordKeys('app[1]:onceguard:', key).record]);
  const { records } = await store.scan({ cursor: null, limit: 1_000 });
  expect(records.map((found) => found.key)).toEqual([key]);
  client.disconnect();
});

test('a cursor that scan did not answer is refused as a bug', async () => {
  const { store } = openStore();
  const badCursors = ['', 'x', '127.0.0.1:6379', 'a b c', '127.0.0.1:6379 -1'];
  for (const cursor of badCursors) {
    await expect(store.scan({ cursor, limit: 1 })).rejects.toMatchObject({ class: 'bug' });
  }
});

test.each([
  { what: 'a hash', put: (name: string) => redis.hset(name, 'a', 'b'), word: 'WRONGTYPE', class: 'bug' },
  { what: 'a foreign string', put: (name: string) => redis.set(name, 'x'), word: 'FOREIGNKEY', class: 'bug' },
  { what: 'an empty string', put: (name: string) => redis.set(name, ''), word: 'FOREIGNKEY', class: 'bug' },
  {
    what: 'an older layout',
    put: (name: string) => redis.set(name, 'og1c and what nobody knows any more'),
    word: 'NEWERLAYOUT',
    class: 'misconfigured',
  },
  {
    what: 'a newer layout',
    put: (name: string) => redis.set(name, 'og4 and what nobody knows yet'),
    word: 'NEWERLAYOUT',
    class: 'misconfigured',
  },
])('$what under a key is refused by every verb and stays as it is', async ({ put, word, class: errorClass }) => {
  const { store, key } = openStore();
  const lease = await acquireLease(openStore());
  const name = recordKeys('onceguard:', key).record;
  await put(name);
  const before = await redis.dumpBuffer(name);
  const calls = [
    () => store.acquire(key, acquireRequest()),
    () => store.renew({ ...lease, key }, hourMs),
    () => store.checkpoint({ ...lease, key }, { step: 'charge', seq: 1, bytes: Buffer.from('x') }),
    () => store.complete({ ...lease, key }, completionOf('paid')),
    () => store.release({ ...lease, key }, { as: 'retryable' }),
    () => store.resolve(key, resolveRequest(1)),
    () => store.read(key),
    () => store.remove(key),
  ];
  for (const call of calls) {
    await expect(call()).rejects.toMatchObject({ class: errorClass, message: expect.stringContaining(word) });
  }
  expect(await redis.dumpBuffer(name)).toEqual(before);
});

test('a full server rejects new records atomically, and still accepts renewals and completions', async () => {
  const { store, key } = openStore();
  const lease = await acquireLease({ store, key });
  const [other, failing] = [randomUUID(), randomUUID()];
  const failingLease = await acquireLease({ store, key: failing });
  const before = await redis.dumpBuffer(recordKeys('onceguard:', key).record);
  await redis.config('SET', 'maxmemory', '1');
  try {
    const calls = [
      () => store.acquire(other, acquireRequest()),
      () => store.checkpoint(lease, { step: 'charge', seq: 1, bytes: Buffer.from('x') }),
      () => store.complete(lease, completionOf('paid')),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ message: expect.stringContaining('OOM'), refusal: 'full' });
    }
    expect((await redis.keys('*')).sort()).toEqual(
      [key, failing].map((one) => recordKeys('onceguard:', one).record).sort(),
    );
    expect(await redis.dumpBuffer(recordKeys('onceguard:', key).record)).toEqual(before);
    expect((await store.renew(lease, 2 * hourMs)).kind).toBe('ok');
    expect((await store.read(key)).record?.leaseEndAt).toBeGreaterThan(lease.leaseEndAt);
    expect((await store.complete(lease, completionOf('', { outcome: null }))).kind).toBe('ok');
    expect((await store.release(failingLease, { as: 'retryable' })).kind).toBe('ok');
    expect((await store.read(failing)).record?.state).toBe('retryable');
    await store.remove(key);
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
  expect((await store.read(key)).record?.state).toBe('removed');
});
