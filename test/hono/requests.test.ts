// The life of a request on Hono: its scope, its context, its routes, and what is a mistake.
import { listDoubts, onEvent, StoreError } from '@onceguard/core';
import { type IdempotencyVariables, idempotency, idempotencyOf } from '@onceguard/hono';
import { idempotencyOf as idempotencyOfRequest } from '@onceguard/web';
import { type Context, Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { describe, expect, test } from 'vitest';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { type Env, newApp, openStore, protect } from './hono-testbed.js';

const paymentHeaders = { 'Idempotency-Key': 'k', 'Content-Type': 'application/json' };
const payment = { method: 'POST', headers: paymentHeaders, body: '{"cents":10}' };

test('The scope comes from what authentication has set, and keeps the keys of two users apart', async () => {
  interface Authenticated {
    Variables: IdempotencyVariables & { user: { id: string } };
  }
  const app = new Hono<Authenticated>();
  app.use(async (c, next) => {
    c.set('user', { id: c.req.header('X-User') ?? '' });
    await next();
  });
  app.post('/payments', idempotency({ store: openStore(), scope: (c) => c.get('user').id }), (c) =>
    c.json({ by: c.get('user').id, key: c.get('idempotency')?.key }),
  );
  const pay = async (user: string) =>
    await app.request('/payments', { ...payment, headers: { ...paymentHeaders, 'X-User': user } });
  expect(await (await pay('ann')).json()).toEqual({ by: 'ann', key: 'k' });
  expect((await pay('ann')).headers.get('Idempotent-Replayed')).toBe('true');
  expect(await (await pay('bob')).json()).toEqual({ by: 'bob', key: 'k' });
});

test('The context is there for the handler, by the context and by the raw request', async () => {
  const app = newApp();
  app.post('/payments', protect(), (c) =>
    c.json([idempotencyOf(c).deriveKey('charge'), idempotencyOfRequest(c.req.raw).deriveKey('charge')]),
  );
  const [one, other] = (await (await app.request('/payments', payment)).json()) as string[];
  expect(one).toMatch(/^[0-9a-f-]{36}$/);
  expect(other).toBe(one);
});

test('idempotencyOf is an error that names the remedy in a request without a key', async () => {
  const app = newApp();
  const errors: unknown[] = [];
  app.onError((error, c) => {
    errors.push(error);
    return c.text('error', 500);
  });
  app.post('/payments', protect(), (c) => c.text(idempotencyOf(c).key));
  await app.request('/payments', { method: 'POST' });
  expect(errors).toMatchObject([{ code: 'context_missing', message: expect.stringContaining('required: true') }]);
});

test('The record names the route by its template, and the trace by the header of the request', async () => {
  const store = openStore();
  const app = newApp();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const fails = () => {
    throw new Error('It failed.');
  };
  app.post('/users/:id/payments', protect({ store, onFailure: 'unknown', onAbandoned: 'block' }), fails);
  await app.request('/users/7/payments', { ...payment, headers: { ...paymentHeaders, traceparent } });
  const { doubts } = await listDoubts(store);
  expect(doubts).toMatchObject([{ operation: 'POST /users/:id/payments', traceparent }]);
});

describe('Where no route matches,', () => {
  test('the key stays free', async () => {
    const app = newApp();
    app.use(protect());
    const replayed = async () => (await app.request('/nowhere', payment)).headers.get('Idempotent-Replayed');
    const freed = [await app.request('/nowhere', payment), await app.request('/nowhere', { ...payment, body: '{}' })];
    expect(freed.map(({ status }) => status)).toEqual([404, 404]);
    expect(await replayed()).toBeNull();
  });

  test('a 404 of the handler is recorded all the same', async () => {
    const app = newApp();
    app.use(protect());
    let runs = 0;
    app.post('/orders/:id', (c) => {
      runs += 1;
      return c.notFound();
    });
    const statuses = [await app.request('/orders/1', payment), await app.request('/orders/1', payment)];
    expect([...statuses.map(({ status }) => status), runs]).toEqual([404, 404, 1]);
  });
});

test('Two routers with one path each have records of their own', async () => {
  const orders = newApp();
  orders.post('/', (c) => c.text(c.req.path));
  const app = newApp();
  app.use(protect());
  app.route('/a', orders).route('/b', orders);
  expect(await (await app.request('/a', payment)).text()).toBe('/a');
  expect(await (await app.request('/b', payment)).text()).toBe('/b');
});

test('An error of the handler gets the response of onError, without the headers of the one that was given up', async () => {
  const app = newApp();
  let runs = 0;
  app.onError((error, c) => c.text(error.message, 500));
  app.post('/payments', protect(), (c) => {
    runs += 1;
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('the disk failed')) });
    return runs === 1 ? c.body(broken, 200, { 'Content-Length': '100', 'X-Given-Up': '1' }) : c.text('paid');
  });
  const first = await app.request('/payments', payment);
  expect([first.status, await first.text()]).toEqual([500, 'the disk failed']);
  expect([first.headers.get('Content-Length'), first.headers.get('X-Given-Up')]).toEqual([null, null]);
  expect(await (await app.request('/payments', payment)).text()).toBe('paid');
});

test('A handler that responds with nothing is an error that names the remedy', async () => {
  const app = newApp();
  const errors: Error[] = [];
  app.onError((error, c) => {
    errors.push(error);
    return c.text('error', 500);
  });
  app.post('/payments', protect(), async () => undefined as never);
  expect((await app.request('/payments', payment)).status).toBe(500);
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('Return a Response from the handler')]);
});

test('An HTTPException of scope is the response, and nothing runs', async () => {
  const app = newApp();
  let runs = 0;
  const scope = () => {
    throw new HTTPException(401, { message: 'Who are you?' });
  };
  app.post('/payments', protect({ scope }), (c) => {
    runs += 1;
    return c.text('paid');
  });
  const response = await app.request('/payments', payment);
  expect([response.status, await response.text(), runs]).toEqual([401, 'Who are you?', 0]);
});

test('A refusal has the headers that outer layers set', async () => {
  const app = newApp();
  app.use(async (c, next) => {
    c.header('Access-Control-Allow-Origin', 'https://shop.example');
    await next();
  });
  app.post('/payments', protect({ required: true }), (c) => c.text('paid'));
  const response = await app.request('/payments', { method: 'POST' });
  expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([400, 'https://shop.example']);
});

test('A body that the raw request was read for is an error that names the remedy', async () => {
  const app = newApp();
  const misconfigured = nextEvent('misconfigured');
  app.use(async (c, next) => {
    await c.req.raw.text();
    await next();
  });
  app.onError((error, c) => c.text(error.message, 500));
  app.post('/payments', protect(), (c) => c.text('paid'));
  expect((await app.request('/payments', payment)).status).toBe(500);
  expect(await misconfigured).toMatchObject({ code: 'body_not_parsed' });
});

test('A key from the body leaves the body for the comparison and for the handler', async () => {
  const app = newApp();
  const key = async (c: Context) => ((await c.req.json()) as { id?: string }).id;
  app.post('/webhooks', protect({ key }), async (c) => c.json(await c.req.json()));
  const deliver = async (body: object) =>
    await app.request('/webhooks', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect(await (await deliver({ id: 'evt_1', cents: 10 })).json()).toEqual({ id: 'evt_1', cents: 10 });
  expect((await deliver({ id: 'evt_1', cents: 10 })).headers.get('Idempotent-Replayed')).toBe('true');
  expect((await deliver({ id: 'evt_1', cents: 11 })).status).toBe(422);
});

test('The middleware that is mounted twice runs the handler once, under the outer one', async () => {
  const store = openStore();
  const warnings: string[] = [];
  const stop = onEvent('warning', ({ code }) => warnings.push(code));
  const app = newApp();
  app.use(protect({ store }));
  app.post('/payments', protect({ store }), (c) => c.text('paid'));
  await app.request('/payments', payment);
  stop();
  expect((await app.request('/payments', payment)).headers.get('Idempotent-Replayed')).toBe('true');
  expect(warnings).toEqual(['mounted_twice']);
});

test('Where the platform has waitUntil, it gets the work until everything is recorded', async () => {
  const store = openStore();
  let isDown = true;
  const complete: typeof store.complete = async (...call) => {
    if (isDown) throw new StoreError('unavailable', 'the store is down');
    return await store.complete(...call);
  };
  const works: Promise<unknown>[] = [];
  const executionContext = {
    waitUntil: (work: Promise<unknown>) => works.push(work),
    passThroughOnException: () => {},
    props: {},
  };
  const app = newApp();
  app.post('/payments', protect({ store: overrideVerbs(store, { complete }) }), (c) => c.text('paid'));
  const pay = async () => await app.request('/payments', payment, {}, executionContext);
  expect((await pay()).headers.get('Idempotency-Recorded')).toBe('false');
  isDown = false;
  await Promise.all(works);
  expect((await pay()).headers.get('Idempotent-Replayed')).toBe('true');
});

test('Options that are not valid are named when the middleware is created', () => {
  expect(() => idempotency<Env>({ store: openStore() } as never)).toThrow(/scope is missing/);
  expect(() => protect({ maxRequestBytes: -1 })).toThrow(/maxRequestBytes is -1/);
});
