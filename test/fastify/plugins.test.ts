// The usual plugins of Fastify 5 around a guarded route: each client gets what it would get without a key, first and again.

import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import formbody from '@fastify/formbody';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { counted, guarded, startApp } from './fastify-app.js';

const text = 'A text that is long enough to be worth compressing. '.repeat(100);

type Injected = Awaited<ReturnType<FastifyInstance['inject']>>;

async function post(app: FastifyInstance, headers: Record<string, string>, key?: string): Promise<Injected> {
  const keyHeader = key === undefined ? {} : { 'idempotency-key': key };
  return await app.inject({
    method: 'POST',
    url: '/pay',
    payload: { amount: 10 },
    headers: { ...headers, ...keyHeader },
  });
}

const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, br: brotliDecompressSync };
const perMessage = ['date', 'connection', 'content-length', 'transfer-encoding', 'idempotent-replayed'];

/** Status, headers and decompressed body, without what belongs to one message. */
function comparable({ statusCode, headers, rawPayload }: Injected) {
  const decode = decoders[String(headers['content-encoding'])] ?? ((bytes: Buffer) => bytes);
  const kept = Object.entries(headers).filter(([name]) => !perMessage.includes(name));
  return { statusCode, headers: Object.fromEntries(kept), body: decode(rawPayload).toString() };
}

const gzip = { 'accept-encoding': 'gzip' };
const identity = { 'accept-encoding': 'identity' };

describe('@fastify/compress', () => {
  const start = async (respond: () => unknown) =>
    await startApp({
      outside: (app) => app.register(compress, { global: true, threshold: 0 }),
      routes: (app) =>
        app.post('/pay', guarded, async (_request, reply) => reply.code(201).type('text/plain').send(respond())),
    });

  it.each<[string, () => unknown]>([
    ['a text', () => text],
    ['a Buffer', () => Buffer.from(text)],
    ['a stream', () => new Blob([text]).stream()],
  ])('compresses %s for each client by its Accept-Encoding, the replay too', async (_title, respond) => {
    const { app } = await start(respond);
    const [plainGzip, plainIdentity] = [await post(app, gzip), await post(app, identity)];
    expect(plainGzip.headers['content-encoding']).toBe('gzip');
    expect(comparable(await post(app, gzip, 'k'))).toEqual(comparable(plainGzip));
    expect(comparable(await post(app, gzip, 'k'))).toEqual(comparable(plainGzip));
    expect(comparable(await post(app, { 'accept-encoding': 'br' }, 'k')).body).toBe(text);
    const replay = await post(app, identity, 'k');
    expect([replay.headers['idempotent-replayed'], comparable(replay)]).toEqual(['true', comparable(plainIdentity)]);
  });

  it('that is registered after idempotency() does the same', async () => {
    const { app } = await startApp({
      routes: async (routes) => {
        await routes.register(compress, { global: true, threshold: 0 });
        routes.post('/pay', guarded, async () => ({ text }));
      },
    });
    const plain = await post(app, gzip);
    expect(plain.headers['content-encoding']).toBe('gzip');
    expect(comparable(await post(app, gzip, 'k'))).toEqual(comparable(plain));
    expect(comparable(await post(app, identity, 'k')).body).toBe(JSON.stringify({ text }));
  });
});

describe('@fastify/helmet', () => {
  it('sets its headers on the first response, on the replay and on a refusal', async () => {
    const { app } = await startApp({
      outside: (outside) => outside.register(helmet),
      routes: (routes) => routes.post('/pay', guarded, async () => ({ paid: true })),
    });
    const plain = comparable(await post(app, {}));
    expect(plain.headers).toHaveProperty('x-content-type-options', 'nosniff');
    expect(comparable(await post(app, {}, 'k'))).toEqual(plain);
    expect(comparable(await post(app, {}, 'k'))).toEqual(plain);
    const refusal = await app.inject({ method: 'POST', url: '/pay', payload: {}, headers: { 'idempotency-key': 'k' } });
    expect([refusal.statusCode, refusal.headers['x-content-type-options']]).toEqual([422, 'nosniff']);
  });
});

describe('@fastify/cors', () => {
  it('handles each origin separately, for the first response and for the replay', async () => {
    const { app } = await startApp({
      outside: (outside) => outside.register(cors, { origin: true, credentials: true }),
      routes: (routes) => routes.post('/pay', guarded, async () => ({ paid: true })),
    });
    const [one, other] = [{ origin: 'https://one.example' }, { origin: 'https://other.example' }];
    expect(comparable(await post(app, one, 'k'))).toEqual(comparable(await post(app, one)));
    const replay = await post(app, other, 'k');
    expect(replay.headers['access-control-allow-origin']).toBe('https://other.example');
    expect(comparable(replay)).toEqual(comparable(await post(app, other)));
  });
});

describe('@fastify/cookie', () => {
  it('sets the cookies of the handler once, and those of hooks for every request', async () => {
    let requests = 0;
    const { app } = await startApp({
      outside: async (outside) => {
        await outside.register(cookie);
        outside.addHook('onRequest', async (_request, reply) => {
          requests += 1;
          reply.setCookie('seen', String(requests));
        });
      },
      routes: (routes) =>
        routes.post('/pay', guarded, async (_request, reply) => reply.setCookie('receipt', '7').send({ paid: true })),
    });
    const cookies = async () => (await post(app, {}, 'k')).cookies.map(({ name, value }) => `${name}=${value}`);
    expect([await cookies(), await cookies(), await cookies()]).toEqual([
      ['seen=1', 'receipt=7'],
      ['seen=2'],
      ['seen=3'],
    ]);
  });
});

describe('@fastify/formbody', () => {
  it('parses forms that are compared by their fields', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      outside: (outside) => outside.register(formbody),
      routes: (routes) => routes.post('/pay', guarded, handler),
    });
    const submit = async (payload: string) =>
      await app.inject({
        method: 'POST',
        url: '/pay',
        payload,
        headers: { 'idempotency-key': 'k', 'content-type': 'application/x-www-form-urlencoded' },
      });
    const responses = [
      await submit('amount=10&to=alice'),
      await submit('amount=10&to=%61lice'),
      await submit('amount=11'),
    ];
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 422]);
    expect(runs()).toBe(1);
  });
});

describe('@fastify/multipart', () => {
  /** As a browser sends it. Each send has a boundary of its own. */
  const upload = (boundary: string, amount: string): InjectOptions => ({
    method: 'POST',
    url: '/pay',
    headers: { 'idempotency-key': 'k', 'content-type': `multipart/form-data; boundary=${boundary}` },
    payload: `--${boundary}\r\nContent-Disposition: form-data; name="amount"\r\n\r\n${amount}\r\n--${boundary}--\r\n`,
  });

  it('needs a fingerprint function: without one the error says so, and nothing runs', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      outside: (outside) => outside.register(multipart, { attachFieldsToBody: 'keyValues' }),
      routes: (routes) => routes.post('/pay', guarded, handler),
    });
    const refused = await app.inject(upload('one', '10'));
    expect([refused.statusCode, refused.json().code, refused.json().message, runs()]).toEqual([
      500,
      'body_not_parsed',
      expect.stringContaining('fingerprint'),
      0,
    ]);
  });

  it('is compared by its fields with one', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      outside: (outside) => outside.register(multipart, { attachFieldsToBody: 'keyValues' }),
      options: { fingerprint: ({ body }) => JSON.stringify(body) },
      routes: (routes) => routes.post('/pay', guarded, handler),
    });
    const responses = [
      await app.inject(upload('one', '10')),
      await app.inject(upload('two', '10')),
      await app.inject(upload('three', '11')),
    ];
    expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 200, 422]);
    expect(runs()).toBe(1);
  });
});

describe('A schema', () => {
  it('serialises the response once: what it drops is neither sent nor recorded', async () => {
    const { app } = await startApp({
      routes: (routes) =>
        routes.post(
          '/pay',
          { ...guarded, schema: { response: { 200: { type: 'object', properties: { id: { type: 'number' } } } } } },
          async () => ({ id: 7, secret: 'not for clients' }),
        ),
    });
    expect([(await post(app, {}, 'k')).body, (await post(app, {}, 'k')).body]).toEqual(['{"id":7}', '{"id":7}']);
  });

  it('validates before the comparison: requests that it makes equal are one request', async () => {
    const { handler, runs } = counted(async ({ body }) => body);
    const { app } = await startApp({
      routes: (routes) =>
        routes.post(
          '/pay',
          {
            ...guarded,
            schema: {
              body: {
                type: 'object',
                properties: { amount: { type: 'number' }, currency: { type: 'string', default: 'EUR' } },
              },
            },
          },
          handler,
        ),
    });
    const send = async (payload: object) =>
      await app.inject({ method: 'POST', url: '/pay', payload, headers: { 'idempotency-key': 'k' } });
    const responses = [await send({ amount: 10 }), await send({ amount: '10', currency: 'EUR' })];
    expect(responses.map(({ body }) => body)).toEqual(Array(2).fill('{"amount":10,"currency":"EUR"}'));
    expect(runs()).toBe(1);
  });
});
