// A user's Jest tests around the packages. jsdom has timers without unref, a Uint8Array of its own and no setImmediate.
const { once } = require('node:events');
const { createServer, request } = require('node:http');
const core = require('@onceguard/core');
const { RedisStore } = require('@onceguard/core/redis');
const express = require('@onceguard/express');
const koa = require('@onceguard/koa');
const Express = require('express');
const Koa = require('koa');

const { executeIdempotently, KeyReusedError, MemoryStore, makeIdempotent, StoreError } = core;

class CardDeclined extends Error {}

describe.each([
  ['MemoryStore', async () => new MemoryStore()],
  ['RedisStore', async () => await RedisStore.connect({ url: process.env.REDIS_URL, prefix: `jest-${unique()}:` })],
])('With %s', (_name, open) => {
  let store;

  beforeAll(async () => {
    store = await open();
  });

  afterAll(async () => await store.close());

  test.each([
    ['text', 'paid'],
    ['nothing', undefined],
    ['a date', new Date(0)],
    ['a Buffer', Buffer.from('paid')],
    ['bytes', new Uint8Array([1, 2, 3])],
    ['a list', [null, 0, '', { paid: true }]],
  ])('a function runs once, and its repeat gets %s back', async (title, value) => {
    const work = jest.fn(async () => value);
    const pay = makeIdempotent(work, { store, scope: 'jest', key: () => title });
    const [first, again] = [await pay(1), await pay(1)];
    expect(work).toHaveBeenCalledTimes(1);
    expect(again).toEqual(value);
    expect(first).toEqual(again);
    await expect(pay(2)).rejects.toBeInstanceOf(KeyReusedError);
  });

  test('a payload of bytes is compared', async () => {
    const call = (fingerprint) =>
      executeIdempotently(() => 'paid', { store, scope: 'jest', key: 'payload', fingerprint });
    expect(await call(new Uint8Array([1]))).toMatchObject({ kind: 'executed' });
    expect(await call(new Uint8Array([1]))).toMatchObject({ kind: 'replayed' });
    expect(await call(new Uint8Array([2]))).toMatchObject({ kind: 'key_reused' });
  });

  test('a final error is restored as its class', async () => {
    const work = jest.fn(async () => {
      throw new CardDeclined('no funds');
    });
    const pay = makeIdempotent(work, { store, scope: 'jest', key: () => 'declined', finalErrors: { CardDeclined } });
    for (const _ of [1, 2]) await expect(pay()).rejects.toBeInstanceOf(CardDeclined);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test('steps resume where the attempt before ended', async () => {
    const charge = jest.fn(async () => new Uint8Array([7]));
    const pay = makeIdempotent(
      async (_input, { step, attempt, signal }) => {
        const charged = await step('charge', charge);
        if (attempt === 1) throw new Error('cut short');
        return [[...charged], signal.aborted];
      },
      { store, scope: 'jest', key: () => 'steps' },
    );
    await expect(pay()).rejects.toThrow('cut short');
    expect(await pay()).toEqual([[7], false]);
    expect(charge).toHaveBeenCalledTimes(1);
  });

  test('duplicates wait for the one that runs', async () => {
    const work = jest.fn(async () => await new Promise((resolve) => setTimeout(resolve, 50, 'paid')));
    const options = { store, scope: 'jest', key: () => 'waiting', onInProgress: { waitMs: 10_000 } };
    const pay = makeIdempotent(work, options);
    expect(await Promise.all([pay(1), pay(1), pay(1)])).toEqual(['paid', 'paid', 'paid']);
    expect(work).toHaveBeenCalledTimes(1);
  });

  test.each([
    ['Express', onExpress],
    ['Koa', onKoa],
  ])('a payment through %s runs once and is replayed, whole or in pieces of bytes', async (framework, listen) => {
    const charge = jest.fn();
    const server = await listen(store, charge);
    for (const path of ['/json', '/bytes', '/pieces']) {
      const pay = (body) => post(server, path, `${framework}-${path}`, body);
      const [first, again, other] = [await pay('{"amount":1}'), await pay('{"amount":1}'), await pay('{"amount":2}')];
      expect([first.status, again.status, other.status]).toEqual([201, 201, 422]);
      expect(again.headers['idempotent-replayed']).toBe('true');
      expect(again.body).toBe(first.body);
      expect(first.body).toContain('paid');
    }
    expect((await post(server, '/json', `${framework}-/json`, '{ "amount": 1 }')).status).toBe(201);
    expect(charge).toHaveBeenCalledTimes(3);
    server.closeAllConnections();
    server.close();
  });
});

test('A form that the application reads with URLSearchParams is compared', async () => {
  const server = await onKoa(new MemoryStore(), () => undefined);
  const pay = (form) => post(server, '/json', 'form', form, 'application/x-www-form-urlencoded');
  const statuses = [await pay('amount=1'), await pay('amount=1'), await pay('amount=2')].map(({ status }) => status);
  expect(statuses).toEqual([201, 201, 422]);
  server.closeAllConnections();
  server.close();
});

test('With a closed store nothing runs, and the error is a StoreError', async () => {
  const store = new MemoryStore();
  await store.close();
  const work = jest.fn();
  const pay = makeIdempotent(work, { store, scope: 'jest', key: () => 'closed' });
  await expect(pay()).rejects.toBeInstanceOf(StoreError);
  expect(work).not.toHaveBeenCalled();
});

/** Sends the response that the path asks for. */
function respond(path, res) {
  res.statusCode = 201;
  if (path === '/json') return void res.end('{"paid":true}');
  if (path === '/bytes') return void res.end(Uint8Array.from(Buffer.from('paid')));
  res.write(new Uint8Array(Buffer.from('pa')));
  res.end(Buffer.from('id'));
}

async function onExpress(store, charge) {
  // Express itself needs it.
  globalThis.setImmediate ??= require('node:timers').setImmediate;
  const app = Express();
  app.use(Express.json({ verify: express.keepRawBody }));
  app.post('/:kind', express.idempotency({ store, scope: 'public' }), (req, res) => {
    charge();
    respond(req.path, res);
  });
  return await listening(createServer(app));
}

async function onKoa(store, charge) {
  const app = new Koa();
  app.use(async (ctx, next) => {
    const pieces = [];
    for await (const piece of ctx.req) pieces.push(piece);
    const source = Buffer.concat(pieces);
    if (ctx.is('urlencoded')) {
      ctx.request.body = new URLSearchParams(source.toString());
    } else {
      ctx.request.rawBody = source;
      ctx.request.body = JSON.parse(source);
    }
    await next();
  });
  app.use(koa.idempotency({ store, scope: () => 'koa' }));
  app.use((ctx) => {
    charge();
    ctx.respond = false;
    respond(ctx.path, ctx.res);
  });
  const callback = app.callback();
  return await listening(createServer((req, res) => void callback(req, res)));
}

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function post(server, path, key, body, type = 'application/json') {
  const { port } = server.address();
  const headers = { 'Idempotency-Key': key, 'Content-Type': type };
  const req = request({ port, host: '127.0.0.1', path, method: 'POST', headers });
  req.end(body);
  const [res] = await once(req, 'response');
  const pieces = [];
  for await (const piece of res) pieces.push(piece);
  return { status: res.statusCode, headers: res.headers, body: Buffer.concat(pieces).toString() };
}

function unique() {
  return require('node:crypto').randomUUID();
}
