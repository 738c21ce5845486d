// The programs of docs/guides, with real signatures of Stripe and of Standard Webhooks, and behind a proxy that sends requests again.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startRetryingProxy } from './retrying-proxy.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(app: RequestListener): Promise<string> {
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The names are computed, because a static import would add the application's Express types to all tests. */
async function load(name: string) {
  const application = await import(`../../examples/${'application'}.ts`);
  return { application, program: await import(`../../examples/docs/${name}.ts`) };
}

interface Delivery {
  readonly status: number;
  readonly isReplay: boolean;
}

async function deliver(url: string, body: string, headers: Record<string, string>): Promise<Delivery> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
  await response.arrayBuffer();
  return { status: response.status, isReplay: response.headers.get('idempotent-replayed') === 'true' };
}

describe('The Stripe webhook of docs/guides/webhooks.md', () => {
  const secret = 'whsec_test';

  async function start() {
    process.env.STRIPE_WEBHOOK_SECRET = secret;
    const { application, program } = await load('webhook-stripe');
    const url = `${await listen(program.app)}/webhooks/stripe`;
    const event = {
      object: 'event',
      id: `evt_${randomUUID()}`,
      type: 'payment_intent.succeeded',
      data: { object: { id: 'pi_1', amount: 2_000 } },
    };
    /** Signed at a time of its own, as each delivery is. */
    const send = async (changes: object, secondsAgo: number, signedWith = secret) => {
      const payload = JSON.stringify({ ...event, ...changes });
      const timestamp = Math.floor(Date.now() / 1_000) - secondsAgo;
      const signature = program.stripe.webhooks.generateTestHeaderString({ payload, secret: signedWith, timestamp });
      return await deliver(url, payload, { 'Stripe-Signature': signature });
    };
    const since = application.calls.length;
    return { send, booked: () => application.calls.slice(since).length };
  }

  test('books an event once, though every delivery has another signature and another pending_webhooks', async () => {
    const { send, booked } = await start();
    expect(await send({ pending_webhooks: 2 }, 20)).toEqual({ status: 200, isReplay: false });
    expect(await send({ pending_webhooks: 1 }, 10)).toEqual({ status: 200, isReplay: true });
    expect(await send({ pending_webhooks: 0 }, 0)).toEqual({ status: 200, isReplay: true });
    expect(booked()).toBe(1);
  });

  test('refuses another payload under the id of the event, and an event that Stripe has not signed', async () => {
    const { send, booked } = await start();
    expect((await send({}, 0, 'whsec_other')).status).toBe(400);
    expect((await send({}, 0)).status).toBe(200);
    expect((await send({ data: { object: { id: 'pi_1', amount: 9_000 } } }, 0)).status).toBe(422);
    expect(booked()).toBe(1);
  });
});

test('The Standard Webhook of docs/guides/webhooks.md books a message once, and refuses what nobody signed', async () => {
  const secret = `whsec_${Buffer.from('a secret of 24 bytes ...').toString('base64')}`;
  process.env.WEBHOOK_SECRET = secret;
  const { application, program } = await load('webhook-standard');
  const url = `${await listen(program.app)}/webhooks/orders`;
  const id = `msg_${randomUUID()}`;
  const body = JSON.stringify({ type: 'order.created', data: { id: 'order-1' } });
  const send = async (secondsAgo: number, payload = body, signed = payload) => {
    const time = new Date(Date.now() - secondsAgo * 1_000);
    const signature = new Webhook(secret).sign(id, time, signed);
    const timestamp = String(Math.floor(time.getTime() / 1_000));
    return await deliver(url, payload, {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    });
  };
  const since = application.calls.length;
  expect((await send(0, body, `${body} `)).status).toBe(400);
  expect(await send(20)).toEqual({ status: 204, isReplay: false });
  expect(await send(0)).toEqual({ status: 204, isReplay: true });
  expect((await send(0, body.replace('order-1', 'order-2'))).status).toBe(422);
  expect(application.calls.slice(since)).toHaveLength(1);
});

test('Behind a proxy that sends a payment again while it runs, it is made once, and the client gets the response', async () => {
  const { application, program } = await load('proxies');
  const timeoutMs = 500;
  const proxy = await startRetryingProxy(await listen(program.app), { timeoutMs, tries: 20 });
  closing.push(() => proxy.close());
  let charges = 0;
  const charge = async () => {
    charges += 1;
    await vi.waitUntil(() => proxy.sent() >= 2, { timeout: 60_000 });
    return { id: `charge_${charges}` };
  };
  vi.spyOn(application.provider, 'charge').mockImplementation(charge as never);
  const response = await fetch(`${proxy.url}/payments`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
    body: '{"amount":20}',
  });
  expect([response.status, await response.json(), response.headers.get('idempotent-replayed')]).toEqual([
    201,
    { id: 'charge_1' },
    'true',
  ]);
  expect(charges).toBe(1);
  expect(proxy.sent()).toBeGreaterThanOrEqual(2);
});

describe('The payment of docs/guides/timeouts.md', () => {
  async function pay(url: string, key: string) {
    const response = await fetch(`${url}/payments`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: '{"amount":20}',
    });
    return [response.status, await response.text()] as const;
  }

  test('ends its work when the limit is over, and its outcome is unknown then', async () => {
    const { application, program } = await load('timeouts');
    const url = await listen(program.app);
    const limit = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
    vi.spyOn(application.provider, 'charge').mockImplementation((async (
      _what: unknown,
      { signal }: { signal: AbortSignal },
    ) => {
      limit.abort(new Error('8 seconds are over'));
      signal.throwIfAborted();
    }) as never);
    const key = randomUUID();
    expect((await pay(url, key))[0]).toBe(500);
    expect(timeout).toHaveBeenCalledWith(8_000);
    expect(await pay(url, key)).toEqual([409, expect.stringContaining('outcome_unknown')]);
  });

  test('responds once when it ends in time', async () => {
    const { application, program } = await load('timeouts');
    const url = await listen(program.app);
    const key = randomUUID();
    const since = application.calls.length;
    expect(await pay(url, key)).toEqual(await pay(url, key));
    expect(application.calls.slice(since)).toHaveLength(1);
  });
});
