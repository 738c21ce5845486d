// What is special about HTTP/2. The adapter suite (test/adapters) tests what is the same over HTTP/1.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type Http2ServerResponse } from 'node:http2';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runInNewContext } from 'node:vm';
import { MemoryStore } from '@onceguard/core';
import type { Context, Next } from 'koa';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningApp, start } from '../../packages/testing/src/adapter-suite/app-server.js';
import type { AppSpec, Call, Framework, Handler } from '../../packages/testing/src/adapter-suite/framework.js';
import { expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { expressAndKoa, expressAndKoaOverHttp2 } from '../adapters/express-and-koa.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function started(framework: Framework, spec: Partial<AppSpec> & { handler: Handler }): Promise<RunningApp> {
  const app = await start(framework, { store: new MemoryStore(), ...spec });
  cleanUps.push(app.close);
  return app;
}

async function openSession(port: number): Promise<ClientHttp2Session> {
  const client = connect(`http://127.0.0.1:${port}`).on('error', () => {});
  cleanUps.push(() => client.destroy());
  await once(client, 'connect');
  return client;
}

function post(client: ClientHttp2Session, headers: Record<string, string> = {}): ClientHttp2Stream {
  return client.request({ ':method': 'POST', ':path': '/pay', 'idempotency-key': 'k', ...headers });
}

/** Reads a body with or without a length. The usual parsers need a length. */
async function readBody(ctx: Context, next: Next): Promise<void> {
  const source = await text(ctx.req);
  Object.assign(ctx.request, { body: JSON.parse(source), rawBody: source });
  await next();
}

describe('A request whose body has no length', () => {
  const [, koa] = expressAndKoaOverHttp2;

  it.each([
    ['the same payload is replayed', '{ "amount": 10 }', 201],
    ['another payload is refused', '{"amount":11}', 422],
  ])('%s', async (_, retried, status) => {
    if (!koa) throw new Error('no Koa over HTTP/2');
    const { port } = await started(koa, {
      parser: 'none',
      outer: [readBody],
      handler: () => ({ status: 201, body: 'paid' }),
    });
    const client = await openSession(port);
    const statuses: unknown[] = [];
    for (const body of ['{"amount":10}', retried]) {
      const stream = post(client, { 'content-type': 'application/json' });
      stream.end(body);
      statuses.push(Reflect.get((await once(stream, 'response'))[0], ':status'));
      await text(stream);
    }
    expect(statuses).toEqual([201, status]);
  });
});

describe.each(expressAndKoaOverHttp2)('$name', (framework) => {
  const overHttp1 = expressAndKoa.find(({ name }) => framework.name.startsWith(name));

  it('replays what was recorded over HTTP/1, and the other way exchange, without headers of the connection', async () => {
    if (!overHttp1) throw new Error('not over HTTP/1');
    const store = new MemoryStore();
    const handler: Handler = ({ res, req }) => {
      if (req.httpVersionMajor < 2)
        res.writeHead(201, 'Paid', { Connection: 'close', 'X-Made': ['a', 'b'], Upgrade: 'x' });
      else res.writeHead(201, { 'X-Made': ['a', 'b'] });
      res.end('paid');
      Reflect.set(res, 'respond', false);
      return 'raw';
    };
    const http1 = await started(overHttp1, { store, handler });
    const http2 = await started(framework, { store, handler });
    for (const [key, [first, second]] of Object.entries({ a: [http1, http2], b: [http2, http1] })) {
      const response = await send(Number(first?.port), { key });
      const replay = await send(Number(second?.port), { key });
      expect([response.status, response.text, response.headers['x-made']]).toEqual([201, 'paid', 'a, b']);
      expect([replay.status, replay.text, replay.headers['x-made']]).toEqual([201, 'paid', 'a, b']);
      expect([replay.headers['idempotent-replayed'], replay.headers.upgrade]).toEqual(['true', undefined]);
    }
  });

  it.each<[string, (res: Http2ServerResponse) => unknown, string]>([
    ['a status below 100', (res) => res.writeHead(99), 'ERR_HTTP2_STATUS_INVALID'],
    ['a status above 599', (res) => res.writeHead(700), 'ERR_HTTP2_STATUS_INVALID'],
    [
      'a header of an HTTP/1 connection',
      (res) => void res.setHeader('transfer-encoding', 'chunked'),
      'ERR_HTTP2_INVALID_CONNECTION_HEADERS',
    ],
    ['two types', (res) => void res.setHeader('content-type', ['a/b', 'c/d']), 'ERR_HTTP2_HEADER_SINGLE_VALUE'],
    ['a line break in a header', (res) => void res.setHeader('x-note', 'a\nb'), 'ERR_INVALID_CHAR'],
    ['a header without a proper name', (res) => res.writeHead(200, { 'x(note': 'a' }), 'ERR_INVALID_HTTP_TOKEN'],
    [
      'a trailer of an HTTP/1 connection',
      (res) => res.addTrailers({ connection: 'close' }),
      'ERR_HTTP2_INVALID_CONNECTION_HEADERS',
    ],
    ['a chunk of a wrong type', (res) => Reflect.apply(res.write, res, [5]), 'ERR_INVALID_ARG_TYPE'],
  ])('refuses %s in the call, and records what the handler sends instead', async (_, misdeed, code) => {
    const { port } = await started(framework, {
      handler: (call) => {
        const refused = refusalCode(call, misdeed);
        for (const name of call.res.getHeaderNames()) call.res.removeHeader(name);
        return { status: 409, headers: { 'x-refused': refused }, body: 'instead' };
      },
    });
    const first = await send(port, { key: 'k' });
    expect([first.status, first.headers['x-refused'], first.text]).toEqual([409, code, 'instead']);
    expectReplay(await send(port, { key: 'k' }), first);
  });

  it('accepts bytes of another realm, as jsdom has', async () => {
    const foreign = (bytes: string): Uint8Array => runInNewContext(`Uint8Array.of(${bytes})`);
    const { port } = await started(framework, {
      handler: ({ res, native }) => {
        Reflect.set(Object(native), 'respond', false);
        res.write(foreign('0x70, 0x61'));
        res.end(foreign('0x69, 0x64'));
        return 'raw';
      },
    });
    expect((await send(port, { key: 'k' })).text).toBe('paid');
  });

  it('refuses a response that is written to the stream itself, and says what to do', async () => {
    let message = '';
    const { port } = await started(framework, {
      handler: ({ res }) => {
        try {
          streamOf(res).respond({ ':status': 200 }, { endStream: true });
        } catch (error) {
          message = String(error);
        }
        return { status: 500, body: 'refused' };
      },
    });
    for (let run = 0; run < 2; run++) {
      const response = await send(port, { key: 'k' });
      expect([response.status, response.headers['idempotent-replayed']]).toEqual([500, undefined]);
    }
    expect(message).toContain('not through stream.respond()');
  });

  it.each([
    ['resets its stream', (stream: ClientHttp2Stream) => stream.close(8)],
    ['ends its session', (stream: ClientHttp2Stream) => stream.session?.destroy()],
  ])('finishes for a client that %s while the handler works', async (_, leave) => {
    const [begun, left] = [newGate(), newGate()];
    let runs = 0;
    const { port } = await started(framework, {
      handler: async ({ res }) => {
        runs += 1;
        streamOf(res).once('close', left.open);
        begun.open();
        await left.opened;
        return { status: 201, body: Readable.from(['pa', 'id']).pipe(new PassThrough()) };
      },
      options: { onInProgress: { waitMs: 20_000 } },
    });
    const client = await openSession(port);
    const stream = post(client).on('error', () => {});
    stream.end();
    await begun.opened;
    leave(stream);
    const retry = await send(port, { key: 'k', method: 'POST' });
    expect([retry.status, retry.headers['idempotent-replayed'], runs]).toEqual([201, 'true', 1]);
  });

  it('an endless response is aborted when its client disconnects, and is on record as done', async () => {
    const source = new Readable({ read() {} });
    const { port } = await started(framework, {
      options: { maxOutcomeBytes: 1_000, onInProgress: { waitMs: 20_000 } },
      handler: ({ res, native }) => {
        Reflect.set(Object(native), 'respond', false);
        res.statusCode = 200;
        source.push(Buffer.alloc(2_000));
        source.pipe(res);
        return 'raw';
      },
    });
    const client = await openSession(port);
    const stream = post(client).on('error', () => {});
    stream.end();
    await once(stream, 'response');
    stream.close(8);
    const retry = await send(port, { key: 'k', method: 'POST' });
    expect([retry.status, retry.json().code]).toEqual([410, 'expired']);
    // A pipe also lets go of its source after a disconnect without the middleware.
    expect(source.listenerCount('data')).toBe(0);
  });

  it('a response that is destroyed while it is sent cannot be taken for a whole one', async () => {
    const { port } = await started(framework, {
      handler: ({ res, native }) => {
        Reflect.set(Object(native), 'respond', false);
        res.writeHead(200);
        res.flushHeaders();
        res.write('half');
        setImmediate(() => res.destroy());
        return 'raw';
      },
    });
    await expect(send(port, { key: 'k' })).rejects.toThrow('INTERNAL_ERROR');
  });

  it.each([204, 205, 304])('a response with status %i has no body, and its replay has none', async (status) => {
    const { port } = await started(framework, {
      handler: ({ res, native }) => {
        Reflect.set(Object(native), 'respond', false);
        res.writeHead(status, { 'x-made': 'here' });
        res.write('no');
        res.end('body');
        return 'raw';
      },
    });
    const first = await send(port, { key: 'k' });
    expect([first.status, first.text, first.headers['x-made']]).toEqual([status, '', 'here']);
    expectReplay(await send(port, { key: 'k' }), first);
  });
});

function streamOf(res: ServerResponse): Http2ServerResponse['stream'] {
  return (res as unknown as Http2ServerResponse).stream;
}

/** The code of the error that Node throws, at once or when the response ends. */
function refusalCode({ res }: Call, misdeed: (res: Http2ServerResponse) => unknown): string {
  try {
    misdeed(res as unknown as Http2ServerResponse);
    res.end('x');
  } catch (error) {
    return String(Reflect.get(Object(error), 'code'));
  }
  return 'nothing';
}
