// Cases 9 and 10: commands that are executed after their callers have given up.
import { setTimeout as pause } from 'node:timers/promises';
import { drainStore, type IdempotencyStore } from '@onceguard/core';
import { Redis } from 'ioredis';
import { describe, expect, vi } from 'vitest';
import { acquireRequest, assertAcquired, toLease } from '../../packages/testing/src/store-suite/test-helpers.js';
import { expectPaysAgain, untilPaid } from './audited-payments.js';
import { type Lab, test } from './lab.js';

const callTimeoutMs = 1_000;

/** The replies to the verbs so far, also to calls that were given up: the kind follows the time. */
function collectReplies(client: Redis): () => string[] {
  const { mock } = vi.spyOn(client, 'sendCommand');
  const isAnswer = (reply: unknown) => Array.isArray(reply) && typeof reply[0] === 'number';
  return () => mock.settledResults.flatMap(({ value }) => (isAnswer(value) ? [String(value[1])] : []));
}

/** A server is away until the commands sent to it have expired. It keeps its data. */
async function simulateOutage(lab: Lab, open: (url: string) => IdempotencyStore | Promise<IdempotencyStore>) {
  const redis = await lab.redis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const payments = lab.payments(await open(redis.url));
  await expectPaysAgain(payments, 'before');
  await redis.kill();
  expect(await payments.pay('order')).toBe('store_unavailable');
  await pause(2 * callTimeoutMs);
  await redis.restart();
  return payments;
}

async function countRecords(store: IdempotencyStore): Promise<number> {
  return (await store.scan({ cursor: null, limit: 1_000 })).records.length;
}

describe.concurrent('A late command', () => {
  test("9. is never sent on the store's own connection: nothing is queued for a server that returns", async ({
    lab,
  }) => {
    const payments = await simulateOutage(lab, (url) => lab.connect(url, { callTimeoutMs }));
    await vi.waitFor(() => payments.store.read('clock'), 60_000);
    expect(await drainStore(payments.store)).toBe(true);
    expect(await countRecords(payments.store)).toBe(1);
    await untilPaid(payments, 'order');
  });

  test('9. sent late by a client with an offline queue is rejected by notAfter: the server writes nothing', async ({
    lab,
  }) => {
    const sent: (() => string[])[] = [];
    const payments = await simulateOutage(lab, (url) => {
      const client = new Redis(url);
      sent.push(collectReplies(client));
      return lab.storeOnClient(client, { callTimeoutMs });
    });
    const replies = () => sent.flatMap((of) => of());
    await vi.waitUntil(() => replies().includes('superseded'), 60_000);
    expect(await drainStore(payments.store)).toBe(true);
    expect(await countRecords(payments.store)).toBe(1);
    await untilPaid(payments, 'order');
  });

  test('10. to acquire, after its own attempt was released, is superseded, and the key is free', async ({ lab }) => {
    const redis = await lab.redis();
    const proxy = await lab.proxy(redis.url);
    const client = new Redis(proxy.url);
    const slow = lab.storeOnClient(client, { callTimeoutMs });
    const direct = await lab.connect(redis.url);
    await slow.read('clock');
    const replies = collectReplies(client);
    proxy.setDelay(2 * callTimeoutMs);
    const request = acquireRequest();
    await expect(slow.acquire('order', request)).rejects.toMatchObject({ class: 'unknown' });
    const lease = toLease('order', request, assertAcquired(await direct.acquire('order', request)));
    expect(await direct.release(lease, { as: 'retryable' })).toMatchObject({ kind: 'ok' });
    const { record } = await direct.read('order');
    await vi.waitUntil(() => replies().length > 0, 60_000);
    // The script's reply; with a record under the key, the store would have replied `superseded`.
    expect(replies()).toEqual(['refused']);
    expect((await direct.read('order')).record).toEqual(record);
    expect(await direct.acquire('order', acquireRequest())).toMatchObject({ kind: 'acquired', attempt: 2 });
  });
});
