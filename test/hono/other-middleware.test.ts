// Hono's own middleware and helpers around the middleware and inside of it: a request with a key gets what one without gets.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { every } from 'hono/combine';
import { compress } from 'hono/compress';
import { setCookie } from 'hono/cookie';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { HTTPException } from 'hono/http-exception';
import { proxy } from 'hono/proxy';
import { requestId } from 'hono/request-id';
import { secureHeaders } from 'hono/secure-headers';
import { stream, streamSSE, streamText } from 'hono/streaming';
import { timing } from 'hono/timing';
import { validator } from 'hono/validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparable, type Env, listen, newApp, protect, send } from './hono-testbed.js';

interface Case {
  readonly outer?: readonly MiddlewareHandler[];
  readonly inner?: readonly MiddlewareHandler[];
  readonly handler: (c: Context<Env>) => Response | Promise<Response>;
  readonly body?: string;
  readonly type?: string;
}

const long = 'worth compressing '.repeat(200);
const pairs = 'application/x-www-form-urlencoded';
const json = (c: Context) => c.json({ a: 1 });

let upstream = '';
const origin = createServer((_req, res) => {
  res.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip', 'X-Up': '1' });
  res.end(gzipSync(long));
});
beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const address = origin.address();
  upstream = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
});
afterAll(() => {
  origin.closeAllConnections();
  origin.close();
});

const cases: Readonly<Record<string, Case>> = {
  'compress outside': { outer: [compress()], handler: (c) => c.text(long) },
  'compress inside': { inner: [compress()], handler: (c) => c.text(long) },
  'etag outside': { outer: [etag()], handler: (c) => c.text('x') },
  'etag inside': { inner: [etag()], handler: (c) => c.text('x') },
  'secureHeaders outside': { outer: [secureHeaders()], handler: json },
  'requestId outside': { outer: [requestId()], handler: json },
  'timing outside': { outer: [timing()], handler: json },
  'cors outside': { outer: [cors()], handler: json },
  'bodyLimit outside': { outer: [bodyLimit({ maxSize: 100 })], handler: async (c) => c.json(await c.req.json()) },
  'a validator inside': {
    inner: [validator('json', (value) => value)],
    handler: async (c) => c.json(await c.req.json()),
  },
  'a validator outside': {
    outer: [validator('json', (value) => value)],
    handler: async (c) => c.json(await c.req.json()),
  },
  'the raw request': { handler: async (c) => c.json(await c.req.raw.clone().json()) },
  'parseBody()': { handler: async (c) => c.json(await c.req.parseBody()), body: 'a=1&b=2', type: pairs },
  'parseBody() outside': {
    outer: [
      async (c, next) => {
        await c.req.parseBody();
        await next();
      },
    ],
    handler: async (c) => c.json(await c.req.parseBody()),
    body: 'a=1&b=2',
    type: pairs,
  },
  'formData() outside': {
    outer: [
      async (c, next) => {
        await c.req.formData();
        await next();
      },
    ],
    handler: async (c) => c.json(await c.req.parseBody()),
    body: 'a=1&b=2',
    type: pairs,
  },
  'an HTTPException': {
    handler: () => {
      throw new HTTPException(402, { message: 'declined' });
    },
  },
  'an HTTPException with a response': {
    handler: () => {
      throw new HTTPException(402, { res: new Response('custom', { status: 402, headers: { 'X-C': '1' } }) });
    },
  },
  'streamText()': {
    handler: (c) =>
      streamText(c, async (out) => {
        await out.write('a');
        await out.write('b');
      }),
  },
  'stream()': { handler: (c) => stream(c, async (out) => void (await out.write(new Uint8Array([1, 2, 255])))) },
  'streamSSE()': {
    handler: (c) =>
      streamSSE(c, async (out) => {
        for (const id of ['1', '2', '3']) await out.writeSSE({ data: `event ${id}`, id });
      }),
  },
  'a redirect': { handler: (c) => c.redirect('/receipts/1', 303) },
  'no content': { handler: (c) => c.body(null, 204) },
  'an empty body': { handler: (c) => c.body(null, 201) },
  'html()': { handler: (c) => c.html('<p>paid</p>') },
  'a header that is set late by an inner layer': {
    inner: [
      async (c, next) => {
        await next();
        c.header('X-Late', '1');
      },
    ],
    handler: json,
  },
  'a header that is set late by an outer layer': {
    outer: [
      async (c, next) => {
        await next();
        c.header('X-Late', '1');
        c.res.headers.append('X-More', '2');
      },
    ],
    handler: json,
  },
  'a header of an outer layer, with a Response that the handler makes itself': {
    outer: [
      async (c, next) => {
        c.header('X-Outer', '1');
        await next();
      },
    ],
    handler: () => new Response('raw', { status: 201 }),
  },
  'a header of the handler, with a Response that it makes itself': {
    handler: (c) => {
      c.header('X-Own', '1');
      return new Response('raw', { status: 201 });
    },
  },
  'every() around it': { outer: [every(secureHeaders(), requestId())], handler: json },
  'proxy()': { handler: () => proxy(upstream) },
};

describe.each(Object.entries(cases))('With %s,', (_title, { outer = [], inner = [], handler, body, type }) => {
  test('a first response and its replay are what the bare application sends, and the handler runs once', async () => {
    let runs = 0;
    const counted = (c: Context<Env>) => {
      runs += 1;
      return handler(c);
    };
    const app = newApp();
    app.use('/payments', ...outer, protect(), ...inner);
    app.post('/payments', counted);
    const port = await listen(app);
    const parts = {
      ...(body === undefined ? {} : { body }),
      headers: { 'Accept-Encoding': 'gzip', ...(type === undefined ? {} : { 'Content-Type': type }) },
    };
    const bare = await send(port, '/payments', parts);
    const first = await send(port, '/payments', { ...parts, key: 'k' });
    const replay = await send(port, '/payments', { ...parts, key: 'k' });
    expect(bare.isCut).toBe(false);
    expect(withoutFraming(first)).toEqual(withoutFraming(bare));
    expect(withoutFraming(replay)).toEqual(withoutFraming(bare));
    expect([first.headers['idempotent-replayed'], replay.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect(runs).toBe(2);
  });
});

/** A body whose end is known may come with a length in place of chunks. Compressed bytes may differ. */
function withoutFraming(received: Parameters<typeof comparable>[0]): object {
  const seen = comparable(received) as { headers: Record<string, unknown>; body: string };
  const { 'content-length': _length, 'transfer-encoding': _coding, connection: _connection, ...headers } = seen.headers;
  const isGzip = headers['content-encoding'] === 'gzip';
  const body = isGzip ? gunzipSync(received.body).toString() : seen.body;
  return { ...seen, headers, body };
}

test('A payload that differs is refused although a form was parsed before', async () => {
  const app = newApp();
  const parse: MiddlewareHandler = async (c, next) => {
    await c.req.formData();
    await next();
  };
  app.post('/payments', parse, protect(), (c) => c.text('paid'));
  const port = await listen(app);
  const pay = async (body: string) =>
    (await send(port, '/payments', { key: 'k', body, headers: { 'Content-Type': pairs } })).status;
  expect([await pay('a=1'), await pay('a=2'), await pay('a=1')]).toEqual([200, 422, 200]);
});

test('Cookies of the handler reach the first client, each on a line of its own, and no other', async () => {
  const app = newApp();
  app.post('/payments', protect(), (c) => {
    setCookie(c, 'a', '1');
    setCookie(c, 'b', '2');
    return c.json({ paid: true });
  });
  const port = await listen(app);
  const [first, replay] = [await send(port, '/payments', { key: 'k' }), await send(port, '/payments', { key: 'k' })];
  expect(first.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; Path=/']);
  expect(replay.headers['set-cookie']).toBeUndefined();
});

test('A compressed response of another server, returned as fetch gives it, arrives whole', async () => {
  const app = newApp();
  app.post('/payments', protect(), async () => {
    const response = await fetch(upstream);
    const headers = new Headers(response.headers);
    headers.delete('content-encoding');
    return new Response(response.body, { headers });
  });
  const port = await listen(app);
  for (const _ of [1, 2]) expect((await send(port, '/payments', { key: 'k' })).body.toString()).toBe(long);
});
