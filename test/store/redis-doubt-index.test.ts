// The index of doubts in Redis: what it costs, what a crash leaves in it, and what it does where Redis refuses.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { listDoubts } from '../../packages/core/src/index.js';
import type { AcquireRequest, Lease } from '../../packages/core/src/protocol/messages.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { recordKeys } from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import { acquireLease, completionOf, dayMs } from '../../packages/testing/src/store-suite/test-helpers.js';
import { type RedisServer, startRedis } from '../support/redis.js';

const unknown = { as: 'unknown', retryAfterMs: null, note: null } as const;
const briefMs = 40;

let server: RedisServer;
let redis: Redis;
let store: RedisStore;

beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
});

beforeEach(() => {
  store = new RedisStore({ client: redis, callTimeoutMs: 10_000 });
});

afterEach(() => redis.flushall());

afterAll(async () => {
  redis.disconnect();
  await server.stop();
});

/** A guarded lease under a key of its own. */
async function guardedLease(overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
  return await acquireLease({ store, key: randomUUID() }, { onAbandoned: 'block', ...overrides });
}

async function untilOver({ key, leaseEndAt }: Lease): Promise<void> {
  await expect.poll(async () => (await store.read(key)).now).toBeGreaterThanOrEqual(leaseEndAt);
}

const namesOf = async () => (await listDoubts(store)).doubts.map(({ recordName }) => recordName);
const indexOf = ({ key }: Pick<Lease, 'key'>) => recordKeys('onceguard:', key).index;
const entriesOf = async (lease: Pick<Lease, 'key'>) => await redis.zrangebyscore(indexOf(lease), 0, '+inf');

test('work that is not guarded leaves nothing but its record', async () => {
  const lease = await guardedLease({ onAbandoned: 'rerun' });
  await store.renew(lease, 2 * dayMs);
  await store.checkpoint(lease, { step: 'reserve', seq: 2, bytes: Buffer.from('x') });
  await store.complete(lease, completionOf('paid', { outcomeTtlMs: lease.recordTtlMs }));
  expect(await redis.keys('*')).toEqual([recordKeys('onceguard:', lease.key).record]);
});

test('one page of the default size covers every tag', async () => {
  const keys = ['a', '-', 'zz', '__-', 'A0', ...Array.from({ length: 60 }, () => randomUUID())].sort();
  for (const key of keys) await store.release(await acquireLease({ store, key }), unknown);
  const { doubts, cursor } = await listDoubts(store);
  expect([doubts.map(({ recordName }) => recordName).sort(), cursor]).toEqual([keys, null]);
});

test.each([
  ['has vanished', async ({ key }: Lease) => await redis.del(recordKeys('onceguard:', key).record)],
  [
    'is completed',
    async (lease: Lease) => {
      await store.complete(lease, completionOf('paid'));
      await redis.zadd(indexOf(lease), 0, lease.key);
    },
  ],
])('an entry whose record %s is removed by the next list', async (_what, leaveStale) => {
  const lease = await guardedLease({ leaseMs: briefMs });
  await leaveStale(lease);
  await untilOver(lease);
  expect(await entriesOf(lease)).toEqual([lease.key]);
  expect(await namesOf()).toEqual([]);
  expect(await entriesOf(lease)).toEqual([]);
});

test('a list looks at a renewed lease once, and then not before the lease ends', async () => {
  const lease = await guardedLease({ leaseMs: briefMs });
  await store.renew(lease, 60_000);
  await untilOver(lease);
  expect(await namesOf()).toEqual([]);
  const leaseEndAt = (await store.read(lease.key)).record?.leaseEndAt;
  expect(Number(await redis.zscore(indexOf(lease), lease.key))).toBe(leaseEndAt);
});

test('two lists at once mend the same entries and find the same doubts', async () => {
  const leases = await Promise.all(Array.from({ length: 20 }, async () => await guardedLease({ leaseMs: briefMs })));
  const [gone = [], kept = []] = [leases.slice(0, 10), leases.slice(10)];
  for (const { key } of gone) await redis.del(recordKeys('onceguard:', key).record);
  for (const lease of leases) await untilOver(lease);
  const lists = await Promise.all([namesOf(), namesOf(), namesOf()]);
  for (const names of lists) expect(names.sort()).toEqual(kept.map(({ key }) => key).sort());
  expect((await Promise.all(gone.map(entriesOf))).flat()).not.toEqual(
    expect.arrayContaining(gone.map(({ key }) => key)),
  );
});

test('an index outlives a lease that is renewed for longer than a day', async () => {
  const lease = await guardedLease();
  await store.renew(lease, 3 * dayMs);
  const { record, index } = recordKeys('onceguard:', lease.key);
  expect(await redis.pexpiretime(index)).toBeGreaterThan((await redis.pexpiretime(record)) - 1_000);
});

test('an index that was deleted has a renewed record again', async () => {
  const lease = await guardedLease({ leaseMs: briefMs });
  await redis.del(indexOf(lease));
  await store.renew(lease, briefMs);
  expect(await entriesOf(lease)).toEqual([lease.key]);
});

test('a full server records an unknown outcome and lists it, and refuses guarded work as a whole', async () => {
  const [guarded, plain] = [await guardedLease(), await guardedLease({ onAbandoned: 'rerun' })];
  const completed = await guardedLease();
  await redis.config('SET', 'maxmemory', '1');
  try {
    const before = (await redis.keys('*')).sort();
    await expect(guardedLease()).rejects.toMatchObject({ refusal: 'full' });
    expect((await redis.keys('*')).sort()).toEqual(before);
    for (const lease of [guarded, plain]) expect((await store.release(lease, unknown)).kind).toBe('ok');
    expect((await store.complete(completed, completionOf('', { outcome: null }))).kind).toBe('ok');
    expect((await namesOf()).sort()).toEqual([guarded.key, plain.key].sort());
    expect(await entriesOf(completed)).not.toContain(completed.key);
  } finally {
    await redis.config('SET', 'maxmemory', '0');
  }
});

test('a user who may not remove an entry completes his work, and the entry is stale', async () => {
  const lease = await guardedLease();
  await redis.acl('SETUSER', 'default', '-zrem');
  expect((await store.complete(lease, completionOf('paid'))).kind).toBe('ok');
  await redis.acl('SETUSER', 'default', '+zrem');
  expect(await entriesOf(lease)).toEqual([lease.key]);
});

test.each(['zadd', 'pttl', 'pexpire'])('a user without %s begins no guarded work', async (command) => {
  await redis.acl('SETUSER', 'default', `-${command}`);
  const key = randomUUID();
  await expect(acquireLease({ store, key }, { onAbandoned: 'block' })).rejects.toMatchObject({
    class: 'misconfigured',
  });
  await redis.acl('SETUSER', 'default', `+${command}`);
  expect((await store.read(key)).record).toBeNull();
});

test('a cursor that a list did not return is refused as a bug', async () => {
  for (const cursor of ['', 'a b', '127.0.0.1:6379 0'])
    await expect(store.scan({ cursor, limit: 1, inDoubt: true })).rejects.toMatchObject({ class: 'bug' });
});

test('a server that keeps its slots behind one address is read index by index', async () => {
  await store.release(await guardedLease(), unknown);
  const refusesManyKeys = {
    status: 'ready',
    options: { enableOfflineQueue: false },
    callBuffer: async (command: string, args: (string | Buffer | number)[]) => {
      if (Number(args[1]) > 3)
        throw Object.assign(new Error("CROSSSLOT Keys in request don't hash to the same slot"), { command });
      return await redis.callBuffer(command, args);
    },
  };
  const behindOneAddress = new RedisStore({ client: refusesManyKeys, callTimeoutMs: 10_000 });
  expect((await listDoubts(behindOneAddress)).doubts).toEqual((await listDoubts(store)).doubts);
});

test('an intent of an attempt that was restored over a copy of a longer lease is found when its own lease ends', async () => {
  const { key, ...first } = await guardedLease({ leaseMs: 60_000 });
  const { record, index } = recordKeys('onceguard:', key);
  const copy = await redis.dumpBuffer(record);
  await store.release({ key, ...first }, { as: 'retryable' });
  const second = await acquireLease({ store, key }, { onAbandoned: 'rerun', leaseMs: briefMs });
  // A failover puts the copy back, and its entry of the index.
  await redis.restore(record, dayMs, copy, 'REPLACE');
  await redis.zadd(index, first.leaseEndAt, key);
  const { kind, leaseEndAt } = (await store.renew(second, briefMs)) as { kind: string; leaseEndAt: number };
  expect(kind).toBe('restored');
  await store.checkpoint(second, { step: 'charge', seq: 1, bytes: Buffer.from('x') });
  await untilOver({ ...second, leaseEndAt });
  expect(await namesOf()).toEqual([key]);
});
