// Cases 11 and 22: the server loses data that it has acknowledged.
import type { IdempotencyStore } from '@onceguard/core';
import type { Lease } from '@onceguard/core/store';
import type { RedisServer } from '@onceguard/testing';
import { describe, expect, vi } from 'vitest';
import { acquireLease, completionOf, replayedOutcome } from '../../packages/testing/src/store-suite/test-helpers.js';
import { connectionKinds, test } from './lab.js';

/** Resolves when the store works again. */
async function crashAndRestart(
  redis: RedisServer,
  store: IdempotencyStore,
  { discardData }: { discardData: boolean },
): Promise<void> {
  await redis.restart({ discardData });
  await vi.waitFor(() => store.read('clock'), 60_000);
}

describe.each(connectionKinds)('kill -9 while work is in progress, over $name', ({ open }) => {
  test('11. without persistence loses the record: it is written again, and two events report it', async ({ lab }) => {
    const redis = await lab.redis();
    const payments = lab.payments(await open(lab, redis.url));
    const lost = lab.collectEvents('record_lost');
    const lives = lab.collectEvents('data_may_be_lost');
    const crashes = () => crashAndRestart(redis, payments.store, { discardData: true });
    expect(await payments.pay('order', crashes)).toBe('paid 1, recorded');
    expect(lost).toMatchObject([{ verb: 'complete', restored: true }]);
    await vi.waitUntil(() => lives.length > 0, 60_000);
    expect(lives).toMatchObject([{ server: `127.0.0.1:${redis.port}` }]);
    expect(await payments.pay('order')).toBe('paid 1, replayed');
  });

  test('11. with an append-only file keeps the record: its owner continues', async ({ lab }) => {
    const redis = await lab.redis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    const payments = lab.payments(await open(lab, redis.url));
    const lost = lab.collectEvents('record_lost');
    const crashes = () => crashAndRestart(redis, payments.store, { discardData: false });
    expect(await payments.pay('order', crashes)).toBe('paid 1, recorded');
    expect(lost).toEqual([]);
    expect(await payments.pay('order')).toBe('paid 1, replayed');
  });
});

describe.each(['allkeys-lru', 'volatile-ttl'])('a server with maxmemory-policy %s', (policy) => {
  test('22. evicts live records: its user gets a warning at the start', async ({ lab }) => {
    const warnings = lab.collectEvents('warning');
    const redis = await lab.redis({ args: ['--maxmemory', '100mb', '--maxmemory-policy', policy] });
    await lab.connect(redis.url);
    await vi.waitUntil(
      () => warnings.some(({ code, message }) => code === 'redis_evicts' && message.includes(policy)),
      60_000,
    );
  });

  test('22. evicts live records: their owners write them again, but never over those of newer owners', async ({
    lab,
  }) => {
    const redis = await lab.redis({ args: ['--maxmemory-policy', policy] });
    const store = await lab.connect(redis.url);
    const keys = Array.from({ length: 300 }, (_, n) => `order-${n}`);
    const leases = await Promise.all(keys.map(async (key) => await acquireLease({ store, key })));
    await evictSomeKeys(redis);
    const [overtaken, ...alone] = await evictedLeases(leases, store);
    if (overtaken === undefined) throw new Error('Nothing was evicted.');
    const newer = await acquireLease({ store, key: overtaken.key });
    expect(newer.fencingToken).toBeGreaterThan(overtaken.fencingToken);
    for (const lease of [overtaken, ...alone]) {
      const kind = lease === overtaken ? 'lost' : 'restored';
      expect(await store.complete(lease, completionOf('by the evicted one'))).toMatchObject({ kind });
    }
    expect(await store.complete(newer, completionOf('by the newer one'))).toMatchObject({ kind: 'ok' });
    expect(await replayedOutcome({ store, key: newer.key })).toBe('by the newer one');
    expect(await replayedOutcome({ store, key: alone[0]?.key ?? '' })).toBe('by the evicted one');
  });
});

/** Evicts some of the keys, as a full memory does. */
async function evictSomeKeys(redis: RedisServer): Promise<void> {
  const info = async (section: string) => String(await redis.command('INFO', section));
  const used = Number(/used_memory:(\d+)/.exec(await info('memory'))?.[1]);
  await redis.command('CONFIG', 'SET', 'maxmemory', used - 100_000);
  await vi.waitUntil(async () => /evicted_keys:[1-9]/.test(await info('stats')), 60_000);
  await redis.command('CONFIG', 'SET', 'maxmemory', 0);
}

async function evictedLeases(leases: readonly Lease[], store: IdempotencyStore): Promise<Lease[]> {
  const isThere = await Promise.all(leases.map(async ({ key }) => (await store.read(key)).record !== null));
  return leases.filter((_, at) => !isThere[at]);
}
