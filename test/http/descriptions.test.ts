// What the record of a request says for people, in Express and Koa: the operation, the label, the trace; and what leads to the record.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Router from '@koa/router';
import { lookup, MemoryStore, provideTraceparent, type RecordNameParts, recordName } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/express';
import { idempotency as koaIdempotency } from '@onceguard/koa';
import express, { type RequestHandler } from 'express';
import express4 from 'express4';
import Koa from 'koa';
import { afterEach, describe, expect, test } from 'vitest';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const scope = () => 'alice';
const pay: RequestHandler = (_req, res) => void res.status(201).json({ paid: true });

let server: Server | undefined;
let removeTrace = () => {};
afterEach(() => {
  removeTrace();
  server?.closeAllConnections();
  server?.close();
});

type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

async function serve(listener: Listener): Promise<(path: string, headers?: object) => Promise<Response>> {
  server = createServer((req, res) => void listener(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return async (path, headers = {}) =>
    await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { 'idempotency-key': 'order-17', ...headers },
    });
}

const request = (path: string): RecordNameParts => ({ scope: 'alice', key: 'order-17', method: 'POST', path });

type MakeExpress = () => express.Express;
const expressVersions: readonly [string, MakeExpress, typeof express.Router][] = [
  ['Express 5', express, express.Router],
  ['Express 4', express4 as never as MakeExpress, express4.Router as never as typeof express.Router],
];

describe.each(expressVersions)('the operation of a request in %s', (_, makeApp, makeRouter) => {
  test.each<[string, string, string, (app: express.Express, guard: RequestHandler) => void]>([
    ['a route', '/payments/42', 'POST /payments/:id', (app, guard) => app.post('/payments/:id', guard, pay)],
    [
      'a route of a router',
      '/v1/payments/42',
      'POST /v1/payments/:id',
      (app, guard) => app.use('/v1/payments', makeRouter().post('/:id', guard, pay)),
    ],
    [
      'the root route of a router',
      '/payments',
      'POST /payments',
      (app, guard) => app.use('/payments', makeRouter().post('/', guard, pay)),
    ],
    [
      'a router below a parameter, whose value is never shown',
      '/users/u-42/payments',
      'POST /users/*/payments',
      (app, guard) => app.use('/users/:user', makeRouter().post('/payments', guard, pay)),
    ],
    ['a route by a pattern', '/payments/42', 'POST /*', (app, guard) => app.post(/^\/payments/, guard, pay)],
    ['a mount path', '/payments/42', 'POST /payments/*', (app, guard) => app.use('/payments', guard, pay)],
    ['the whole application', '/payments/42', 'POST *', (app, guard) => app.use(guard, pay)],
  ])('is method and template: %s', async (_, path, operation, mount) => {
    const store = new MemoryStore();
    const app = makeApp();
    mount(app, idempotency({ store, scope }) as RequestHandler);
    const post = await serve(app);
    expect((await post(path)).status).toBe(201);
    expect(await lookup(store, request(path))).toMatchObject({ operation, label: null, traceparent: null });
  });
});

describe('the operation of a request in Koa', () => {
  test.each<[string, string, string, (router: Router, guard: Koa.Middleware) => Router]>([
    ['a route', '/payments/42', 'POST /payments/:id', (router, guard) => router.post('/payments/:id', guard, koaPay)],
    [
      'a nested router below a parameter',
      '/users/42/payments',
      'POST /users/:user/payments',
      (router, guard) => router.use('/users/:user', new Router().post('/payments', guard, koaPay).routes()),
    ],
  ])('is method and template: %s', async (_, path, operation, mount) => {
    const store = new MemoryStore();
    const router = mount(new Router(), koaIdempotency({ store, scope }));
    const post = await serve(new Koa().use(router.routes()).callback());
    expect((await post(path)).status).toBe(201);
    expect(await lookup(store, request(path))).toMatchObject({ operation });
  });

  test('is the method alone before the router has run', async () => {
    const store = new MemoryStore();
    const post = await serve(new Koa().use(koaIdempotency({ store, scope })).use(koaPay).callback());
    await post('/payments/42');
    expect(await lookup(store, request('/payments/42'))).toMatchObject({ operation: 'POST *' });
  });
});

const koaPay: Koa.Middleware = (ctx) => {
  ctx.status = 201;
  ctx.body = { paid: true };
};

describe('the option operation', () => {
  test('stands in the place of method and path: a renamed route does not run a payment again', async () => {
    const store = new MemoryStore();
    let runs = 0;
    const guard = () => idempotency({ store, scope, operation: 'create-payment' }) as RequestHandler;
    const count: RequestHandler = (_req, res) => void res.status(201).json({ runs: ++runs });
    const post = await serve(express().post('/payments', guard(), count).post('/v2/payments', guard(), count));
    expect((await post('/payments')).status).toBe(201);
    const replay = await post('/payments');
    expect([replay.status, replay.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    // The path still counts in the fingerprint. The second path is another spelling of the same Express route.
    expect((await post('/v2/payments')).status).toBe(422);
    expect((await post('/payments/')).status).toBe(422);
    expect(runs).toBe(1);
    const parts = { scope: 'alice', key: 'order-17', operation: 'create-payment' };
    expect(await lookup(store, parts)).toMatchObject({ operation: 'create-payment', state: 'completed' });
  });
});

describe('the label', () => {
  test('is what the function of the request returns', async () => {
    const store = new MemoryStore();
    const label = async (req: express.Request) => `order ${req.params.id}`;
    const guard = idempotency({ store, scope, label }) as RequestHandler;
    const post = await serve(express().post('/orders/:id', guard, pay));
    await post('/orders/17');
    expect(await lookup(store, request('/orders/17'))).toMatchObject({ label: 'order 17' });
  });

  test('that no record can keep goes to the error handler of the application, and nothing runs', async () => {
    const store = new MemoryStore();
    const errors: unknown[] = [];
    const guard = idempotency({ store, scope, label: () => 'x'.repeat(101) }) as RequestHandler;
    const app = express().post('/orders', guard, () => expect.unreachable('it ran'));
    const onError: express.ErrorRequestHandler = (error, _req, res, _next) => {
      errors.push(error);
      res.status(500).end();
    };
    const post = await serve(app.use(onError));
    expect((await post('/orders')).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'option_invalid' })]);
    expect(await lookup(store, request('/orders'))).toBeNull();
  });
});

describe('the trace', () => {
  const open = async () => {
    const store = new MemoryStore();
    const post = await serve(express().post('/pay', idempotency({ store, scope }) as RequestHandler, pay));
    return { post, view: () => lookup(store, request('/pay')) };
  };

  test('is the traceparent header of the request that executed, and not that of a repeat', async () => {
    const { post, view } = await open();
    await post('/pay', { traceparent });
    await post('/pay', { traceparent: traceparent.replace('4bf9', 'ffff') });
    expect(await view()).toMatchObject({ traceparent });
  });

  test.each(['', 'x', traceparent.replaceAll(/[1-9a-f]/g, '0'), `${traceparent}, ${traceparent}`])(
    'is none where the header is not valid: %j',
    async (header) => {
      const { post, view } = await open();
      await post('/pay', { traceparent: header });
      expect(await view()).toMatchObject({ traceparent: null });
    },
  );

  test('is that of the tracer where the process provides one', async () => {
    const ofTracer = traceparent.replace('00f0', 'aaaa');
    removeTrace = provideTraceparent(() => ofTracer);
    const { post, view } = await open();
    await post('/pay', { traceparent });
    expect(await view()).toMatchObject({ traceparent: ofTracer });
  });
});

test('a refusal names the record in `instance`, as the context of the handler does', async () => {
  const store = new MemoryStore();
  const names: string[] = [];
  const guard = idempotency({ store, scope, required: true }) as RequestHandler;
  const handler: RequestHandler = (req, res) => {
    names.push(idempotencyOf(req).recordName);
    res.status(201).end();
  };
  const post = await serve(express().post('/pay', guard, handler));
  await post('/pay?amount=1');
  const refused = await post('/pay?amount=2');
  const name = recordName(request('/pay'));
  expect([refused.status, await refused.json(), names]).toMatchObject([
    422,
    { code: 'key_reused', instance: `urn:onceguard:record:${name}` },
    [name],
  ]);
  const keyless = await post('/pay', { 'idempotency-key': '' });
  expect(await keyless.json()).not.toHaveProperty('instance');
});
