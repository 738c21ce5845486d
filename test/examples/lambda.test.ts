// The functions of examples/lambda-orders and of packages/lambda/README.md, with events as Lambda passes them.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import { afterAll, describe, expect, test } from 'vitest';
import { contextOf, v2 } from '../lambda/http-events.js';
import { redisUrl } from '../support/redis.js';
import { runToEnd } from './run-program.js';

describe('lambda-orders', () => {
  test('takes each order once, and ships it once however often it is delivered', async () => {
    const { status, text } = await runToEnd('lambda-orders/main.ts');
    expect(text.split('\n').filter((line) => /^(order|delivered|shipped)/.test(line))).toEqual([
      'order cart-1: 202',
      'order cart-1: 202, a replay',
      'order cart-2: 400',
      'order cart-2: 202',
      'delivered 4, failed 2',
      'delivered 2, failed 0',
      'shipped: cups, tea',
    ]);
    expect(status).toBe(0);
  });
});

describe('The programs of packages/lambda/README.md', () => {
  const stores: IdempotencyStore[] = [];
  afterAll(async () => {
    for (const store of stores) await store.close();
  });

  async function load(name: string) {
    process.env.REDIS_URL = redisUrl();
    const [{ calls }, program] = await Promise.all([
      import(`../../examples/${'application'}.ts`),
      import(`../../examples/readme/${name}.ts`),
    ]);
    return { calls: calls as { system: string }[], program };
  }

  test('charge once for a payment and its repeat', async () => {
    const { calls, program } = await load('lambda-package');
    stores.push(program.store);
    const event = () => ({
      ...v2.event({ key: randomUUID() }),
      requestContext: { http: { method: 'POST' }, authorizer: { jwt: { claims: { sub: 'alice' } } } },
    });
    const since = calls.length;
    const payment = event();
    const first = v2.respond(await program.handler(payment, contextOf()));
    const again = v2.respond(await program.handler(payment, contextOf()));
    expect([first?.status, again?.bytes]).toEqual([201, first?.bytes]);
    expect(again?.headers['idempotent-replayed']).toEqual(['true']);
    expect(calls.slice(since)).toHaveLength(1);
    await program.handler(event(), contextOf());
    expect(calls.slice(since)).toHaveLength(2);
  });

  test('create one order for a message and an event that come twice', async () => {
    const { calls, program } = await load('lambda-package-events');
    const since = calls.length;
    const message = { messageId: '1', body: JSON.stringify({ orderId: randomUUID() }) };
    for (const messageId of ['1', '2'])
      expect(await program.onMessage({ Records: [{ ...message, messageId }] }, contextOf())).toEqual({
        batchItemFailures: [],
      });
    const detail = { id: randomUUID() };
    for (const id of ['a', 'b']) await program.onEvent({ id, 'detail-type': 'paid', detail }, contextOf());
    expect(calls.slice(since).map(({ system }) => system)).toEqual(['orders', 'orders']);
  });
});
