// What a record in Redis announces: that nobody is at work any more, to those who said that they wait, and nothing else.
import { randomUUID } from 'node:crypto';
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AcquireRequest, Lease } from '../../packages/core/src/protocol/messages.js';
import { checksumLength, recordMark } from '../../packages/core/src/redis/scripts/record.js';
import type { IdempotencyStore } from '../../packages/core/src/store/port.js';
import { completionOf, decision, own, request } from '../../packages/testing/src/store-suite/requests.js';
import { redisUrl, startRedis } from '../support/redis.js';
import { bystander, type Hearing, hearing } from './hearing.js';

/** Where in a record its state stands. */
const stateAt = recordMark.length + checksumLength;

let redis: Redis;
let prefix: string;
/** On a client that was passed in, which hears nothing; and whoever waits, in another process as it were. */
let store: RedisStore;
let waiter: Hearing<RedisStore>;
let bystanding: Awaited<ReturnType<typeof bystander>>;

beforeAll(() => {
  redis = new Redis(redisUrl());
});

beforeEach(async () => {
  prefix = `announced:${randomUUID()}:`;
  store = new RedisStore({ client: redis, prefix });
  waiter = await hearing(await RedisStore.connect({ url: redisUrl(), prefix }), redis, prefix);
  bystanding = await bystander(redis, prefix);
});

afterEach(async () => {
  bystanding.end();
  await waiter.store.close();
});

afterAll(() => redis.disconnect());

const brief = { leaseMs: 40 } as const;

const wait = (by: IdempotencyStore, key: string, overrides: Partial<AcquireRequest> = {}) =>
  by.acquire(key, request({ awaited: true, ...overrides }));

/** An attempt for whose end somebody waits. */
async function awaited(key: string, overrides: Partial<AcquireRequest> = {}): Promise<Lease> {
  const lease = await own({ store, key }, overrides);
  expect(await wait(waiter.store, key)).toMatchObject({ kind: 'in_progress' });
  return lease;
}

const reach = async (time: number) => await vi.waitUntil(async () => (await store.read('clock')).now >= time);

describe('A record announces to whoever waits in another process', () => {
  const ends: [how: string, end: (lease: Lease) => Promise<unknown>, terms?: Partial<AcquireRequest>][] = [
    ['that it is completed', (lease) => store.complete(lease, completionOf('paid'))],
    ['that it is completed without an outcome', (lease) => store.complete(lease, completionOf('', { outcome: null }))],
    ['that it may be run again', (lease) => store.release(lease, { as: 'retryable' })],
    ['that it was given back', (lease) => store.release({ ...lease, fence: null }, { as: 'not_started' })],
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
        await own({ store, key: lease.key }, { token: lease.token });
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'that it is completed by whoever has taken over',
      async (lease) => {
        await reach(lease.leaseEndAt);
        await store.complete(await own({ store, key: lease.key }), completionOf('paid'));
      },
      brief,
    ],
  ];

  const decide = async (lease: Lease, as: 'done' | 'not_done') => {
    await reach(lease.leaseEndAt);
    expect(await store.resolve(lease.key, decision(lease.fence, { as }))).toMatchObject({ kind: 'ok' });
  };

  test.each(ends)('%s', async (_how, end, terms) => {
    const key = randomUUID();
    await end(await awaited(key, terms));
    await vi.waitUntil(() => waiter.heard.length > 0);
    expect(await bystanding.all()).toEqual([key]);
    expect(waiter.heard).toEqual([key]);
  });

  test('also where the owner reaches it through a client that puts something before every key', async () => {
    const [, inner = ''] = prefix.split('announced:');
    const client = new Redis(redisUrl(), { keyPrefix: 'announced:' });
    const key = randomUUID();
    const lease = await own({ store: new RedisStore({ client, prefix: inner }), key });
    expect(await wait(waiter.store, key)).toMatchObject({ kind: 'in_progress' });
    await new RedisStore({ client, prefix: inner }).complete(lease, completionOf('paid'));
    expect(await bystanding.all()).toEqual([key]);
    client.disconnect();
  });
});

describe('Nothing is announced', () => {
  const quiet: [when: string, happens: (key: string) => Promise<unknown>][] = [
    [
      'where nobody waits',
      async (key) => {
        const lease = await own({ store: waiter.store, key }, { awaited: true });
        await waiter.store.acquire(key, request());
        await store.complete(lease, completionOf('paid'));
        await wait(waiter.store, key);
        await store.remove(key);
      },
    ],
    [
      'where whoever waits cannot hear',
      async (key) => {
        const lease = await own({ store, key });
        await wait(store, key);
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'to one that was told of another payload',
      async (key) => {
        const lease = await own({ store, key });
        expect(await wait(waiter.store, key, { fingerprint: 'v1:other' })).toMatchObject({ kind: 'mismatch' });
        await store.complete(lease, completionOf('paid'));
      },
    ],
    [
      'while somebody is at work',
      async (key) => {
        const lease = await awaited(key, brief);
        await store.renew(lease, 60);
        await store.checkpoint(lease, { step: 'charge', seq: 0, bytes: Buffer.from('x') });
        await reach(lease.leaseEndAt + 60);
        await own({ store, key });
      },
    ],
    [
      'of a life after the one for whose end somebody waited',
      async (key) => {
        const lease = await awaited(key, { ...brief, recordTtlMs: 1, unknownTtlMs: 1 });
        await reach(lease.leaseEndAt + 1);
        await store.complete(await own({ store, key }), completionOf('paid'));
      },
    ],
  ];

  test.each(quiet)('%s', async (_when, happens) => {
    await happens(randomUUID());
    expect(await bystanding.all()).toEqual([]);
  });

  test('of the next attempt, for which nobody has waited yet', async () => {
    const key = randomUUID();
    await store.release(await awaited(key), { as: 'retryable' });
    await store.complete(await own({ store, key }), completionOf('paid'));
    expect(await bystanding.all()).toEqual([key]);
  });

  test('to another application on the same Redis', async () => {
    const other = `announced:${randomUUID()}:`;
    const stranger = await hearing(await RedisStore.connect({ url: redisUrl(), prefix: other }), redis, other);
    const key = randomUUID();
    await store.complete(await awaited(key), completionOf('paid'));
    expect(await bystanding.all()).toEqual([key]);
    await redis.publish(`${other}ended`, 'the last');
    await vi.waitUntil(() => stranger.heard.at(-1) === 'the last');
    expect(stranger.heard).toEqual(['the last']);
    await stranger.store.close();
  });
});

describe('That somebody waits', () => {
  test('changes nothing about a record: neither what is read, nor its length, nor its life', async () => {
    const key = randomUUID();
    await own({ store, key });
    const looked = async () => [
      (await store.read(key)).record,
      await redis.strlen(`${prefix}{${key}}`),
      await redis.pexpiretime(`${prefix}{${key}}`),
    ];
    const before = await looked();
    await wait(waiter.store, key);
    await wait(waiter.store, key);
    expect(await looked()).toEqual(before);
    expect((await redis.get(`${prefix}{${key}}`))?.[stateAt]).toBe('w');
  });

  test('is forgotten by a server that takes no writes, which tells them as ever that somebody is at work', async () => {
    const server = await startRedis();
    const admin = new Redis(server.url);
    const full = await hearing(await RedisStore.connect({ url: server.url, prefix }), admin, prefix);
    const lease = await own({ store: full.store, key: 'a' });
    await admin.config('SET', 'maxmemory', '1');
    expect(await wait(full.store, 'a')).toMatchObject({ kind: 'in_progress' });
    await admin.config('SET', 'maxmemory', '0');
    expect(await full.store.complete(lease, completionOf('paid'))).toMatchObject({ kind: 'ok' });
    admin.disconnect();
    await full.store.close();
    await server.stop();
  });
});
