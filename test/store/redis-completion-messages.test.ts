// What a record in Redis announces: that nobody is at work any more, to those who said that they wait, and nothing else.
import { randomUUID } from 'node:crypto';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AcquireRequest, Lease } from '../../packages/core/src/protocol/messages.js';
import type { IdempotencyStore } from '../../packages/core/src/store/port.js';
import {
  checksumLength,
  recordKeys,
  recordMark,
} from '../../packages/core/src/stores/redis/wire/scripts/record-layout.js';
import {
  acquireLease,
  acquireRequest,
  completionOf,
  resolveRequest,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { redisUrl, startRedis } from '../support/redis.js';
import { type ListeningStore, listeningStore, recordAllMessages } from './completion-listeners.js';

/** Where in a record its state stands. */
const stateAt = recordMark.length + checksumLength;

let redis: Redis;
let prefix: string;
/** On a client that was passed in, which hears nothing; and whoever waits, in another process as it were. */
let store: RedisStore;
let waiter: ListeningStore<RedisStore>;
let allMessages: Awaited<ReturnType<typeof recordAllMessages>>;

beforeAll(() => {
  redis = new Redis(redisUrl());
});

beforeEach(async () => {
  prefix = `announced:${randomUUID()}:`;
  store = new RedisStore({ client: redis, prefix });
  waiter = await listeningStore(await RedisStore.connect({ url: redisUrl(), prefix }), redis, prefix);
  allMessages = await recordAllMessages(redis, prefix);
});

afterEach(async () => {
  allMessages.end();
  await waiter.store.close();
});

afterAll(() => redis.disconnect());

const brief = { leaseMs: 2_000 } as const;

const wait = (by: IdempotencyStore, key: string, overrides: Partial<AcquireRequest> = {}) =>
  by.acquire(key, acquireRequest({ notifyOnEnd: true, ...overrides }));

/** An attempt for whose end somebody waits. */
async function awaited(key: string, overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
  const lease = await acquireLease({ store, key }, overrides);
  expect(await wait(waiter.store, key)).toMatchObject({ kind: 'in_progress' });
  return lease;
}

const untilStoreTime = async (time: number) =>
  await vi.waitUntil(async () => (await store.read('clock')).now >= time, 60_000);

describe('A record announces to whoever waits in another process', () => {
  const ends: [how: string, end: (lease: Lease) => Promise<unknown>, terms?: Partial<AcquireRequest>][] = [
    ['that it is completed', (lease) => store.complete(lease, completionOf('paid'))],
    ['that it is completed without an outcome', (lease) => store.complete(lease, completionOf('', { outcome: null }))],
    ['that it may be run again', (lease) => store.release(lease, { as: 'retryable' })],
    ['that it was given back', (lease) => store.release({ ...lease, fencingToken: null }, { as: 'not_started' })],
    ['that its outcome is unknown', (lease) => store.release(lease, { as: 'unknown', retryAfterMs: null, note: null })],
    ['that it was removed', (lease) => store.remove(lease.key)],
    ['that somebody decided that it is done', (lease) => decide(lease, 'done'), brief],
    ['that somebody decided that it is not done', (lease) => decide(lease, 'not_done'), brief],
    [
      'that it is completed, after its lease was renewed',
      async (lease) => {
        await store.renew(lease, 1_000);
        await store.renew(lease, 7_200_000);
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'that it is completed, after steps were recorded',
      async (lease) => {
        for (const step of ['first', 'second'])
          await store.checkpoint(lease, { step, seq: 0, bytes: Buffer.from('x') });
        await store.complete(lease, completionOf('paid', { outcomeTtlMs: 1_000 }));
      },
    ],
    [
      'that it is completed, after its acquisition was sent again',
      async (lease) => {
        await acquireLease({ store, key: lease.key }, { ownerToken: lease.ownerToken });
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'that it is completed by whoever has taken over',
      async (lease) => {
        await untilStoreTime(lease.leaseEndAt);
        await store.complete(await acquireLease({ store, key: lease.key }), completionOf('paid'));
      },
      brief,
    ],
  ];

  const decide = async (lease: Lease, as: 'done' | 'not_done') => {
    await untilStoreTime(lease.leaseEndAt);
    expect(await store.resolve(lease.key, resolveRequest(lease.fencingToken, { as }))).toMatchObject({ kind: 'ok' });
  };

  test.each(ends)('%s', async (_how, end, terms) => {
    const key = randomUUID();
    await end(await awaited(key, terms));
    await vi.waitUntil(() => waiter.notifiedKeys.length > 0, 60_000);
    expect(await allMessages.all()).toEqual([key]);
    expect(waiter.notifiedKeys).toEqual([key]);
  });

  test('also where the owner reaches it through a client that puts something before every key', async () => {
    const [, inner = ''] = prefix.split('announced:');
    const client = new Redis(redisUrl(), { keyPrefix: 'announced:' });
    const key = randomUUID();
    const lease = await acquireLease({ store: new RedisStore({ client, prefix: inner }), key });
    expect(await wait(waiter.store, key)).toMatchObject({ kind: 'in_progress' });
    await new RedisStore({ client, prefix: inner }).complete(lease, completionOf('paid'));
    expect(await allMessages.all()).toEqual([key]);
    client.disconnect();
  });
});

describe('Nothing is announced', () => {
  const quiet: [when: string, happens: (key: string) => Promise<unknown>][] = [
    [
      'where nobody waits',
      async (key) => {
        const lease = await acquireLease({ store: waiter.store, key }, { notifyOnEnd: true });
        await waiter.store.acquire(key, acquireRequest());
        await store.complete(lease, completionOf('paid'));
        await wait(waiter.store, key);
        await store.remove(key);
      },
    ],
    [
      'where whoever waits cannot hear',
      async (key) => {
        const lease = await acquireLease({ store, key });
        await wait(store, key);
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'to one that was told of another payload',
      async (key) => {
        const lease = await acquireLease({ store, key });
        expect(await wait(waiter.store, key, { fingerprint: 'v1:other' })).toMatchObject({ kind: 'key_reused' });
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'while somebody is at work',
      async (key) => {
        const lease = await awaited(key, brief);
        await store.renew(lease, 60);
        await store.checkpoint(lease, { step: 'charge', seq: 0, bytes: Buffer.from('x') });
        await untilStoreTime(lease.leaseEndAt + 60);
        await acquireLease({ store, key });
      },
    ],
    [
      'of a life after the one for whose end somebody waited',
      async (key) => {
        const lease = await awaited(key, { ...brief, recordTtlMs: 1, unknownTtlMs: 1 });
        await untilStoreTime(lease.leaseEndAt + 1);
        await store.complete(await acquireLease({ store, key }), completionOf('paid'));
      },
    ],
  ];

  test.each(quiet)('%s', async (_when, happens) => {
    await happens(randomUUID());
    expect(await allMessages.all()).toEqual([]);
  });

  test('of an attempt for which nobody has waited yet', async () => {
    const key = randomUUID();
    await store.release(await awaited(key), { as: 'retryable' });
    await store.complete(await acquireLease({ store, key }), completionOf('paid'));
    expect(await allMessages.all()).toEqual([key]);
  });

  test('to another application on the same Redis', async () => {
    const other = `announced:${randomUUID()}:`;
    const stranger = await listeningStore(await RedisStore.connect({ url: redisUrl(), prefix: other }), redis, other);
    const key = randomUUID();
    await store.complete(await awaited(key), completionOf('paid'));
    expect(await allMessages.all()).toEqual([key]);
    await redis.publish(`${other}ended`, 'the last');
    await vi.waitUntil(() => stranger.notifiedKeys.at(-1) === 'the last', 60_000);
    expect(stranger.notifiedKeys).toEqual(['the last']);
    await stranger.store.close();
  });
});

describe('That somebody waits', () => {
  test('changes nothing about a record: neither what is read, nor its length, nor its life', async () => {
    const key = randomUUID();
    await acquireLease({ store, key });
    const looked = async () => [
      (await store.read(key)).record,
      await redis.strlen(recordKeys(prefix, key).record),
      await redis.pexpiretime(recordKeys(prefix, key).record),
    ];
    const before = await looked();
    await wait(waiter.store, key);
    await wait(waiter.store, key);
    expect(await looked()).toEqual(before);
    expect((await redis.get(recordKeys(prefix, key).record))?.[stateAt]).toBe('w');
  });

  test('is not stored on a read-only server, which still replies in_progress', async () => {
    const server = await startRedis();
    const admin = new Redis(server.url);
    const full = await listeningStore(await RedisStore.connect({ url: server.url, prefix }), admin, prefix);
    const lease = await acquireLease({ store: full.store, key: 'a' });
    await admin.config('SET', 'maxmemory', '1');
    expect(await wait(full.store, 'a')).toMatchObject({ kind: 'in_progress' });
    await admin.config('SET', 'maxmemory', '0');
    expect(await full.store.complete(lease, completionOf('paid'))).toMatchObject({ kind: 'ok' });
    admin.disconnect();
    await full.store.close();
    await server.stop();
  });
});
