// What a network does to a payment: through proxies that lose, delay and cut, one charge, and the caller ends with the answer.
import { attemptsOf, idempotentFetch, isReplayed, RetriesExhaustedError } from '@onceguard/client';
import { type FaultProxy, startFaultProxy } from '@onceguard/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openPayments, type PaymentsServer } from './payments-server.js';
import { type ScriptedFault, startScriptedProxy } from './scripted-proxy.js';

const order = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"amount":20}' };
let server: PaymentsServer;
let proxy: FaultProxy;
let url: string;

beforeEach(async () => {
  server = await openPayments();
  proxy = await startFaultProxy(server.url);
  url = proxy.url;
});

afterEach(async () => {
  await proxy.close();
  await server.close();
});

const pay = idempotentFetch({ baseDelayMs: 5, maxRetryAfterMs: 2_000, tryTimeoutMs: 5_000 });

describe('A payment is charged once, and its caller gets the answer', () => {
  test.each(['lose_reply', 'lose_reply_reset', 'half_close'] as const)('when the answer is lost: %s', async (fault) => {
    const lost = proxy.injectFault(fault, /POST/);
    const response = await pay(url, order);
    await lost;
    expect([response.status, isReplayed(response), attemptsOf(response)]).toEqual([201, true, 2]);
    expect(await response.json()).toMatchObject({ charge: 1, amount: 20 });
    expect(server.charges).toHaveLength(1);
  });

  test('when the request is lost', async () => {
    const lost = proxy.injectFault('lose_request', /POST/);
    const response = await pay(url, order);
    await lost;
    expect([response.status, isReplayed(response), attemptsOf(response)]).toEqual([201, false, 2]);
    expect(server.charges).toHaveLength(1);
  });

  test('when the answer comes after the time limit of a send', async () => {
    const { waiting, release } = server.holdCharges();
    // On a busy machine the time limit may end before the request has arrived. Then a later one waits.
    const onRetry = () => void waiting.then(release);
    const response = await idempotentFetch({ baseDelayMs: 5, tryTimeoutMs: 100, onRetry })(url, order);
    expect(response.status).toBe(201);
    expect(attemptsOf(response)).toBeGreaterThan(1);
    expect(server.charges).toHaveLength(1);
  });

  test('when the network goes silent with the request, and comes back', async () => {
    const silent = proxy.injectFault('black_hole', /POST/);
    const heal = idempotentFetch({ baseDelayMs: 5, tryTimeoutMs: 150, onRetry: () => proxy.heal() });
    const response = await heal(url, order);
    await silent;
    expect(response.status).toBe(201);
    expect(server.charges).toHaveLength(1);
  });

  test.each<[string, ScriptedFault]>([
    ['inside the head', { kind: 'cut', bytes: 40 }],
    ['at the end of the head', { kind: 'cut', bytes: 300 }],
    ['inside the body', { kind: 'cut', bytes: 1_500 }],
  ])('when the answer is cut %s', async (_where, fault) => {
    const cutting = await startScriptedProxy(server.port, [fault]);
    const response = await pay(`http://127.0.0.1:${cutting.port}/payments`, order);
    expect([response.status, attemptsOf(response)]).toEqual([201, 2]);
    expect(await response.json()).toMatchObject({ charge: 1, filler: 'x'.repeat(2_000) });
    expect(server.charges).toHaveLength(1);
    await cutting.close();
  });

  test('when the server is down at first', async () => {
    const { port } = server;
    await server.close();
    let restarted: Promise<PaymentsServer> | undefined;
    const restart = idempotentFetch({
      baseDelayMs: 50,
      retries: 50,
      onRetry: () => {
        restarted ??= openPayments({ port });
      },
    });
    const response = await restart(`http://127.0.0.1:${port}/payments`, order);
    expect(response.status).toBe(201);
    server = await (restarted ?? expect.unreachable());
    expect(server.charges).toHaveLength(1);
  });

  test('when the same call is made twice at once under one key', async () => {
    const { waiting, release } = server.holdCharges();
    const call = () => pay(url, { ...order, idempotencyKey: 'order-1' });
    const first = call();
    await waiting;
    const second = idempotentFetch({ baseDelayMs: 5, onRetry: release })(url, { ...order, idempotencyKey: 'order-1' });
    expect((await Promise.all([first, second])).map(isReplayed)).toEqual([false, true]);
    expect(server.charges).toEqual(['order-1']);
  });

  test('when the token expires between two sends: one 401, a new token, the same key', async () => {
    server.requireToken('Bearer new');
    const refreshed: number[] = [];
    const withRefresh = idempotentFetch({
      baseDelayMs: 5,
      onUnauthorized: async ({ status }) => {
        refreshed.push(status);
        return { authorization: 'Bearer new' };
      },
    });
    const lost = proxy.injectFault('lose_reply', /Bearer new/i);
    const headers = { ...order.headers, authorization: 'Bearer old' };
    const response = await withRefresh(url, { ...order, headers });
    await lost;
    expect([response.status, refreshed, attemptsOf(response)]).toEqual([201, [401], 3]);
    expect(new Set(server.received).size).toBe(1);
    expect(server.charges).toHaveLength(1);
  });
});

test('onUnauthorized is called once in a call: a second 401 is the answer', async () => {
  server.requireToken('Bearer of nobody');
  let refreshes = 0;
  const withRefresh = idempotentFetch({
    onUnauthorized: () => {
      refreshes += 1;
    },
  });
  const response = await withRefresh(url, order);
  expect([response.status, attemptsOf(response), refreshes]).toEqual([401, 2, 1]);
});

test('A call that ends without an answer says so, with its key, and resume gets the answer of the charge that was made', async () => {
  const silent = proxy.injectFault('black_hole', /POST/);
  const once = idempotentFetch({ retries: 0, tryTimeoutMs: 2_000 });
  const error: unknown = await once(url, order).catch((thrown: unknown) => thrown);
  await silent;
  if (!(error instanceof RetriesExhaustedError)) throw error;
  expect(error).toMatchObject({
    code: 'retries_exhausted',
    attempts: 1,
    customerMessage: expect.stringContaining('Try again'),
  });
  proxy.heal();
  const key = error.key ?? expect.unreachable();
  const response = await once.resume(key);
  expect([response.status, server.charges]).toEqual([201, [key]]);
  await expect(once.resume(key)).rejects.toThrow('No open call has this key');
});
