// Cases 12 to 14: servers that lose the scripts, block, or load their data.
import type { RedisServer } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { describe, expect, vi } from 'vitest';
import { acquireLease, acquireRequest, assertAcquired } from '../../packages/testing/src/store-suite/test-helpers.js';
import { expectPaysAgain, untilPaid, withinDeadline } from './audited-payments.js';
import { connectionKinds, type Lab, test } from './lab.js';

describe.each(connectionKinds)('over $name', ({ open }) => {
  test('12. Callers do not notice that scripts are flushed under load, fifty times', async ({ lab }) => {
    const redis = await lab.redis();
    const payments = lab.payments(await open(lab, redis.url));
    const errors = lab.collectEvents('store_error');
    let isOver = false;
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      for (let order = 1; !isOver; order += 1)
        expect(await payments.pay(`${worker}-${order}`)).toBe('paid 1, recorded');
    });
    for (let flush = 1; flush <= 50; flush += 1) await redis.command('SCRIPT', 'FLUSH');
    isOver = true;
    await Promise.all(workers);
    expect(errors).toEqual([]);
    expect(String(await redis.command('INFO', 'errorstats'))).toContain('errorstat_NOSCRIPT');
  });
});

const freezeMs = 5_000;
/** A call that is this late is not late because this machine is busy. */
const callTimeoutMs = 1_000;

const freezes: { how: string; begin(redis: RedisServer): Promise<unknown> }[] = [
  {
    how: 'SIGSTOP',
    async begin(redis) {
      redis.freeze();
      setTimeout(() => redis.thaw(), freezeMs);
    },
  },
  { how: 'CLIENT PAUSE ALL', begin: (redis) => redis.command('CLIENT', 'PAUSE', freezeMs, 'ALL') },
  { how: 'CLIENT PAUSE WRITE', begin: (redis) => redis.command('CLIENT', 'PAUSE', freezeMs, 'WRITE') },
  { how: 'DEBUG SLEEP', begin: (redis) => redis.command('DEBUG', 'SLEEP', freezeMs / 1_000) },
];

describe.concurrent.each(freezes)('a server that blocks: $how', ({ begin }) => {
  /** Resolves to a function that blocks the server for a while, and resolves itself when it blocks. */
  async function sleeper(lab: Lab) {
    const redis = await lab.redis({ args: ['--enable-debug-command', 'yes'] });
    const probe = await lab.connect(redis.url, { callTimeoutMs });
    await vi.waitFor(() => probe.read('warm'), 60_000);
    const fallsAsleep = async () => {
      begin(redis).catch(() => {});
      await vi.waitFor(() => expect(probe.read('silence')).rejects.toThrow(), 60_000);
    };
    return { redis, fallsAsleep };
  }

  test('13. Calls fail in time, and are paid once when the server replies again', async ({ lab }) => {
    const { redis, fallsAsleep } = await sleeper(lab);
    const payments = lab.payments(await lab.connect(redis.url, { callTimeoutMs }));
    await expectPaysAgain(payments, 'before');
    await fallsAsleep();
    expect(await payments.pay('order')).toBe('store_unavailable');
    await untilPaid(payments, 'order');
  });

  test('13. An acquire that it executes late is recognised when it is repeated', async ({ lab }) => {
    const { redis, fallsAsleep } = await sleeper(lab);
    const store = lab.storeOnClient(new Redis(redis.url), { callTimeoutMs });
    await acquireLease({ store, key: 'before' });
    await fallsAsleep();
    const request = acquireRequest();
    await expect(withinDeadline(callTimeoutMs, store.acquire('order', request))).rejects.toMatchObject({
      class: 'unknown',
    });
    const { record } = await vi.waitFor(() => store.read('order'), 60_000);
    const repeated = assertAcquired(await store.acquire('order', request));
    expect(repeated).toMatchObject({ attempt: 1, fencingToken: record?.fencingToken });
  });

  test('13. A lease counts from the moment of the request: one that has expired when the grant arrives is not used', async ({
    lab,
  }) => {
    const { redis, fallsAsleep } = await sleeper(lab);
    const payments = lab.payments(await lab.connect(redis.url, { callTimeoutMs: 10_000 }));
    expect(await payments.pay('before')).toBe('paid 1, recorded');
    await fallsAsleep();
    const [short, long] = [payments.pay('short', undefined, { leaseMs: 1_000 }), payments.pay('long')];
    expect(await short).toBe('store_unavailable');
    expect(await long).toBe('paid 1, recorded');
    await untilPaid(payments, 'short');
  });
});

describe.concurrent.each(connectionKinds)('a server that loads its data, over $name', ({ open, longestPauseMs }) => {
  test('14. Calls fail in time and say why, and everything is paid once when it has loaded', async ({ lab }) => {
    const redis = await lab.redis();
    await redis.command('EVAL', "for i = 1, 20000 do redis.call('SET', i, i) end", 0);
    const store = await open(lab, redis.url);
    const payments = lab.payments(store);
    expect(await payments.pay('before')).toBe('paid 1, recorded');
    await redis.command('SAVE');
    await redis.restart({ args: ['--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024'] });
    const isLoading = async () => String(await redis.command('INFO', 'persistence')).includes('loading:1');
    expect(await payments.pay('order')).toBe('store_unavailable');
    const readOrder = () => store.read('order').then(() => 'answered', String);
    const replies: string[] = [];
    while (await isLoading()) {
      const reply = await withinDeadline(store.callTimeoutMs, readOrder());
      replies.push(reply);
      // The server loads for as long as a busy machine takes to connect to it, and no longer.
      if (reply.includes('LOADING')) await redis.command('CONFIG', 'SET', 'key-load-delay', 0);
    }
    expect(replies.join()).toContain('LOADING');
    await expectPaysAgain(payments, 'order', longestPauseMs);
  });
});
