// Cases 15 and 16: servers that refuse connections, until somebody has repaired them.
import { drain } from '@onceguard/core';
import { safeRedisOptions } from '@onceguard/core/redis';
import { startRedis } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { describe, expect, vi } from 'vitest';
import { type Refusal, refusals } from './refusals.js';
import { type Lab, test, ways } from './support.js';
import { paysAgain } from './till.js';

const storeTimeoutMs = 300;

/** A store on a client of which it can be told how often it tried to connect. */
async function openCounted(lab: Lab, url: string) {
  let attempts = 0;
  const client = new Redis(url, safeRedisOptions(storeTimeoutMs));
  client.on('close', () => {
    attempts += 1;
  });
  const store = lab.on(client, { storeTimeoutMs });
  await client.connect().catch(() => {});
  return { store, attempts: () => attempts };
}

const isDenial = ({ says }: Refusal) => says.test('DENIED');

describe.concurrent.each(refusals.filter(isDenial))('a server that refuses $how', ({ start, says }) => {
  test('15. on the first connection is named within three attempts, and works once it is repaired, however late', async ({
    lab,
  }) => {
    const server = await start();
    lab.atEnd(server.stop);
    await server.refuse();
    const { store, attempts } = await openCounted(lab, server.url);
    const till = lab.till(store);
    await vi.waitUntil(async () => (await till.pay('order')) === 'store_misconfigured', { interval: 1 });
    expect(attempts()).toBeLessThanOrEqual(3);
    expect(store.health()).toMatchObject({ state: 'never_ready', lastError: expect.stringMatching(says) });
    await vi.waitUntil(() => attempts() > 6, 20_000);
    await server.repair();
    await paysAgain(till, 'order');
  });

  test('15. on a connection that once worked is named within three attempts, and works once it is repaired, however late', async ({
    lab,
  }) => {
    const server = await start();
    lab.atEnd(server.stop);
    const { store, attempts } = await openCounted(lab, server.url);
    const till = lab.till(store);
    await paysAgain(till, 'before');
    await server.refuse();
    await vi.waitUntil(async () => (await till.pay('order')) === 'store_misconfigured', { interval: 1 });
    // The first end was that of the connection that worked.
    expect(attempts()).toBeLessThanOrEqual(1 + 3);
    expect(store.health()).toMatchObject({ state: 'degraded', lastError: expect.stringMatching(says) });
    await vi.waitUntil(() => attempts() > 6, 20_000);
    await server.repair();
    await paysAgain(till, 'order');
  });
});

const userDeleted: Refusal = {
  how: 'because its user was deleted',
  says: /\bWRONGPASS\b/,
  async start() {
    const redis = await startRedis();
    const letIn = () => redis.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all');
    await letIn();
    return {
      url: redis.url.replace('//', '//app:secret@'),
      refuse: async () => void (await redis.command('ACL', 'DELUSER', 'app')),
      repair: async () => void (await letIn()),
      stop: () => redis.stop(),
    };
  },
};

const isRefusalOfUsers = ({ says }: Refusal) => !says.test('DENIED') && !says.test('LOADING');

describe.concurrent.each([...refusals.filter(isRefusalOfUsers), userDeleted])(
  'a server that refuses $how',
  ({ start }) => {
    test.for(ways)(
      '16. on the first connection: no call hangs, and all is paid once it is repaired, over $name',
      async ({ open, longestPauseMs }, { lab }) => {
        const server = await start();
        lab.atEnd(server.stop);
        await server.refuse();
        const till = lab.till(await open(lab, server.url));
        expect(await till.pay('order')).toMatch(/^store_\w+$/);
        await server.repair();
        await paysAgain(till, 'order', longestPauseMs);
      },
    );

    test.for(ways)(
      '16. in the middle of a payment: no call hangs, and it is recorded once that is repaired, over $name',
      async ({ open, longestPauseMs }, { lab }) => {
        const server = await start();
        lab.atEnd(server.stop);
        const till = lab.till(await open(lab, server.url));
        expect(await till.pay('order', () => server.refuse())).toBe('paid 1, unrecorded');
        expect(await till.pay('other')).toMatch(/^store_\w+$/);
        await server.repair();
        await paysAgain(till, 'other', longestPauseMs);
        expect(await drain(till.store)).toBe(true);
        expect(await till.pay('order')).toBe('paid 1, replayed');
      },
    );
  },
);
