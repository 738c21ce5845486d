// Case 21: servers that refuse to write, for a while.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { drainStore, type StoreErrorClass } from '@onceguard/core';
import type { RedisServer } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { expectPaysAgain, untilPaid } from './audited-payments.js';
import { test } from './lab.js';

interface WriteRefusal {
  readonly word: string;
  readonly class: StoreErrorClass;
  /**
   * What work that ends meanwhile gives its caller, and a repeat then. Default: recorded in the background, and
   * replayed.
   */
  readonly ends?: readonly [end: string, repeat: string];
  begin(redis: RedisServer): Promise<unknown>;
  end(redis: RedisServer): Promise<unknown>;
}

const writeRefusals: WriteRefusal[] = [
  {
    word: 'OOM',
    class: 'misconfigured',
    // A full server accepts a record without its outcome.
    ends: ['paid 1, recorded', 'expired'],
    begin: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', 1),
    end: (redis) => redis.command('CONFIG', 'SET', 'maxmemory', 0),
  },
  {
    word: 'MISCONF',
    class: 'misconfigured',
    async begin(redis) {
      const [, home] = (await redis.command('CONFIG', 'GET', 'dir')) as string[];
      mkdirSync(join(String(home), 'dump.rdb'), { recursive: true });
      await redis.command('CONFIG', 'SET', 'save', '3600 1');
      await redis.command('BGSAVE');
      await vi.waitUntil(
        async () => String(await redis.command('INFO')).includes('rdb_last_bgsave_status:err'),
        60_000,
      );
    },
    end: (redis) => redis.command('CONFIG', 'SET', 'save', ''),
  },
  {
    word: 'BUSY',
    class: 'unavailable',
    async begin(redis) {
      redis.command('EVAL', 'while true do end', 0).catch(() => {});
      await vi.waitUntil(async () => !(await respondsToPing(redis)), 60_000);
    },
    async end(redis) {
      await redis.command('SCRIPT', 'KILL');
      await vi.waitUntil(() => respondsToPing(redis), 60_000);
    },
  },
  {
    word: 'MASTERDOWN',
    class: 'unavailable',
    async begin(redis) {
      await redis.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
      await redis.command('REPLICAOF', '127.0.0.1', 1);
    },
    end: (redis) => redis.command('REPLICAOF', 'NO', 'ONE'),
  },
];

const respondsToPing = async (redis: RedisServer) => await redis.command('PING').then(Boolean, () => false);

test.concurrent.for(writeRefusals)(
  '21. $word: nothing runs, work that has run is recorded afterwards, and every key ends',
  async (trouble, { lab }) => {
    const redis = await lab.redis({ args: ['--busy-reply-threshold', '200'] });
    const errors = lab.collectEvents('store_error');
    const payments = lab.payments(await lab.connect(redis.url, { callTimeoutMs: 500 }));
    await expectPaysAgain(payments, 'before');

    await trouble.begin(redis);
    expect(await payments.pay('order')).toMatch(/^store_(unavailable|misconfigured)$/);
    const told = errors.filter(({ error }) => error.message.includes(trouble.word));
    expect(new Set(told.map((one) => one.class))).toEqual(new Set([trouble.class]));
    await trouble.end(redis);
    await untilPaid(payments, 'order');

    const [end, repeat] = trouble.ends ?? ['paid 1, not recorded', 'paid 1, replayed'];
    if (repeat === 'expired') lab.resultsNotKept.add('order while all was well');
    expect(await payments.pay('order while all was well', () => trouble.begin(redis))).toBe(end);
    await trouble.end(redis);
    expect(await drainStore(payments.store)).toBe(true);
    expect(await payments.pay('order while all was well')).toBe(repeat);
    expect(await keysWithoutEnd(redis)).toEqual([]);
  },
);

async function keysWithoutEnd({ url }: RedisServer): Promise<string[]> {
  const redis = new Redis(url);
  const keys = await redis.keys('*');
  const ends = await Promise.all(keys.map(async (key) => await redis.pttl(key)));
  redis.disconnect();
  return keys.filter((_, at) => (ends[at] ?? -1) <= 0);
}
