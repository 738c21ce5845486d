// Cases 15 and 16: servers that refuse connections, until somebody has repaired them.
import { drainStore } from '@onceguard/core';
import { safeRedisOptions } from '@onceguard/core/redis';
import { startRedis } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { describe, expect, vi } from 'vitest';
import { expectPaysAgain } from './audited-payments.js';
import { connectionKinds, type Lab, test } from './lab.js';
import { type RefusalKind, refusalKinds } from './refusing-servers.js';

const callTimeoutMs = 300;

/** A store on a client that counts its connection attempts. */
async function openCountingConnections(lab: Lab, url: string) {
  let attempts = 0;
  const client = new Redis(url, safeRedisOptions(callTimeoutMs));
  client.on('close', () => {
    attempts += 1;
  });
  const store = lab.storeOnClient(client, { callTimeoutMs });
  await client.connect().catch(() => {});
  return { store, attempts: () => attempts };
}

const isDenial = ({ message }: RefusalKind) => message.test('DENIED');

describe.concurrent.each(refusalKinds.filter(isDenial))('a server that refuses $how', ({ start, message }) => {
  test('15. on the first connection is named within three attempts, and works once it is repaired, however late', async ({
    lab,
  }) => {
    const server = await start();
    lab.onEnd(server.stop);
    await server.refuse();
    const { store, attempts } = await openCountingConnections(lab, server.url);
    const payments = lab.payments(store);
    await vi.waitUntil(async () => (await payments.pay('order')) === 'store_misconfigured', {
      timeout: 60_000,
      interval: 1,
    });
    expect(attempts()).toBeLessThanOrEqual(3);
    expect(store.health()).toMatchObject({ state: 'never_ready', lastError: expect.stringMatching(message) });
    await vi.waitUntil(() => attempts() > 6, 60_000);
    await server.repair();
    await expectPaysAgain(payments, 'order');
  });

  test('15. on a connection that once worked is named within three attempts, and works once it is repaired, however late', async ({
    lab,
  }) => {
    const server = await start();
    lab.onEnd(server.stop);
    const { store, attempts } = await openCountingConnections(lab, server.url);
    const payments = lab.payments(store);
    await expectPaysAgain(payments, 'before');
    await server.refuse();
    await vi.waitUntil(async () => (await payments.pay('order')) === 'store_misconfigured', {
      timeout: 60_000,
      interval: 1,
    });
    // The first disconnect was that of the connection that worked.
    expect(attempts()).toBeLessThanOrEqual(1 + 3);
    expect(store.health()).toMatchObject({ state: 'degraded', lastError: expect.stringMatching(message) });
    await vi.waitUntil(() => attempts() > 6, 60_000);
    await server.repair();
    await expectPaysAgain(payments, 'order');
  });
});

const userDeleted: RefusalKind = {
  how: 'because its user was deleted',
  message: /\bWRONGPASS\b/,
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

const isRefusalOfUsers = ({ message }: RefusalKind) => !message.test('DENIED') && !message.test('LOADING');

describe.concurrent.each([...refusalKinds.filter(isRefusalOfUsers), userDeleted])(
  'a server that refuses $how',
  ({ start }) => {
    test.for(connectionKinds)(
      '16. on the first connection: no call hangs, and everything is paid once it is repaired, over $name',
      async ({ open, longestPauseMs }, { lab }) => {
        const server = await start();
        lab.onEnd(server.stop);
        await server.refuse();
        const payments = lab.payments(await open(lab, server.url));
        expect(await payments.pay('order')).toMatch(/^store_\w+$/);
        await server.repair();
        await expectPaysAgain(payments, 'order', longestPauseMs);
      },
    );

    test.for(connectionKinds)(
      '16. during a payment: no call hangs, and the payment is recorded once the server is repaired, over $name',
      async ({ open, longestPauseMs }, { lab }) => {
        const server = await start();
        lab.onEnd(server.stop);
        const payments = lab.payments(await open(lab, server.url));
        expect(await payments.pay('order', () => server.refuse())).toBe('paid 1, not recorded');
        expect(await payments.pay('other')).toMatch(/^store_\w+$/);
        await server.repair();
        await expectPaysAgain(payments, 'other', longestPauseMs);
        expect(await drainStore(payments.store)).toBe(true);
        expect(await payments.pay('order')).toBe('paid 1, replayed');
      },
    );
  },
);
