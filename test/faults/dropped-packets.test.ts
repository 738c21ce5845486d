// Cases 6 to 8: packets are dropped silently.
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RedisServer } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { describe, expect, vi } from 'vitest';
import { type AuditedPayments, expectPaysAgain, untilPaid, withinDeadline } from './audited-payments.js';
import { test, verbScripts } from './lab.js';
import { startLossyNetwork } from './lossy-network.js';

const silenceMs = 5_000;
const packetLossMs = 20_000;

/** Every call meanwhile fails in time. */
async function expectFailuresFor(ms: number, payments: AuditedPayments): Promise<void> {
  const end = performance.now() + ms;
  for (let call = 1; performance.now() < end; call += 1) {
    expect(await payments.pay(`in the hole ${call}`)).toBe('store_unavailable');
  }
}

describe.concurrent('A black hole', () => {
  test('6. during an acquire: calls fail in time, the connection is replaced, and everything is paid once', async ({
    lab,
  }) => {
    const redis = await lab.redis();
    const proxy = await lab.proxy(redis.url);
    const payments = lab.payments(await lab.connect(proxy.url, { callTimeoutMs: 1_000 }));
    await expectPaysAgain(payments, 'before');
    const struck = proxy.injectFault('black_hole', verbScripts);
    expect(await payments.pay('order')).toBe('store_unavailable');
    await struck;
    await expectFailuresFor(silenceMs, payments);
    proxy.heal();
    await expectPaysAgain(payments, 'after');
    await untilPaid(payments, 'order');
  });

  test('6. during an acquire, on a client with default options: calls fail in time until it is disconnected', async ({
    lab,
  }) => {
    const redis = await lab.redis();
    const proxy = await lab.proxy(redis.url);
    const payments = lab.payments(lab.storeOnClient(new Redis(proxy.url), { callTimeoutMs: 1_000 }));
    await expectPaysAgain(payments, 'before');
    const struck = proxy.injectFault('black_hole', verbScripts);
    expect(await payments.pay('order')).toBe('store_unavailable');
    await struck;
    await expectFailuresFor(silenceMs, payments);
    proxy.heal();
    proxy.disconnectAll('reset');
    await expectPaysAgain(payments, 'after');
    await untilPaid(payments, 'order');
  });

  test('7. before the handshake: the store reports in time that it is not ready, and heals', async ({ lab }) => {
    const redis = await lab.redis();
    const proxy = await lab.proxy(redis.url);
    proxy.blackHole();
    const store = await withinDeadline(2_000, lab.connect(proxy.url, { connectTimeoutMs: 2_000 }));
    expect(store.health()).toMatchObject({ state: 'never_ready', lastError: expect.any(String) });
    const payments = lab.payments(store);
    await expectFailuresFor(silenceMs, payments);
    proxy.heal();
    await expectPaysAgain(payments, 'after');
    expect(await payments.pay('order')).toBe('paid 1, recorded');
    expect(store.health()).toMatchObject({ state: 'ready', lastError: null });
  });

  test('8. with lost packets: as 6, and what TCP retransmits later has no effect', async ({ lab, skip }) => {
    const unixsocket = join(tmpdir(), `${randomUUID()}.sock`);
    const redis = await lab.redis({ args: ['--unixsocket', unixsocket] });
    const network = await startLossyNetwork(unixsocket).catch((error: unknown) => String(error));
    if (typeof network === 'string') return skip(`This process cannot make a network of its own: ${network}`);
    lab.onEnd(() => network.close());
    const payments = lab.payments(await lab.connect(network.url));
    await expectPaysAgain(payments, 'before');
    const [old] = await clientIdsOver(unixsocket, redis);
    network.dropPackets();
    expect(await payments.pay('order')).toBe('store_unavailable');
    await expectFailuresFor(packetLossMs, payments);
    network.deliverPackets();
    await expectPaysAgain(payments, 'after');
    // The data on a connection arrives before its end.
    await vi.waitUntil(async () => !(await clientIdsOver(unixsocket, redis)).includes(old), 60_000);
    expect((await payments.store.scan({ cursor: null, limit: 1_000 })).records).toHaveLength(2);
    expect(await payments.pay('order')).toBe('paid 1, recorded');
  });
});

/** Their ids, the oldest first. */
async function clientIdsOver(unixsocket: string, redis: RedisServer): Promise<(string | undefined)[]> {
  const lines = String(await redis.command('CLIENT', 'LIST')).split('\n');
  return lines.filter((line) => line.includes(`addr=${unixsocket}`)).map((line) => /^id=\d+/.exec(line)?.[0]);
}
