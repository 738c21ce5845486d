// Outer and inner middleware works with a capture as it works without one.
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import compression from 'compression';
import session from 'express-session';
import morgan from 'morgan';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CaptureServer,
  capturedResponse,
  connectionClosed,
  type Layer,
  sendWhenEnded,
  startCaptureServer,
} from './support/capture-server.js';
import { listen, type RawServer, requestText } from './support/raw-http.js';

const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
const onFinished: (res: ServerResponse, listener: () => void) => void = ofExpress('on-finished');
const onHeaders: (res: ServerResponse, listener: (this: ServerResponse) => void) => void = createRequire(
  createRequire(import.meta.url).resolve('compression'),
)('on-headers');

const text = 'A text that is long enough to be worth compressing. '.repeat(100);
let log: string[];

/** As connect middleware, whatever framework its types name. */
const asConnectLayer =
  (middleware: unknown): Layer =>
  (req, res, next) =>
    void (typeof middleware === 'function' && Reflect.apply(middleware, undefined, [req, res, next]));

const compressing = (): Layer[] => [asConnectLayer(compression())];
const layers: Record<string, () => Layer[]> = {
  compression: compressing,
  'express-session': () => [asConnectLayer(session({ secret: 's', resave: true, saveUninitialized: true }))],
  morgan: () => [
    asConnectLayer(morgan(':method :status :res[x-a]', { stream: { write: (line) => void log.push(line.trim()) } })),
  ],
  'on-headers': () => [
    (_req, res, next) => next(void onHeaders(res, () => void res.setHeader('X-Fired', String(res.statusCode)))),
  ],
  'on-finished': () => [(_req, res, next) => next(void onFinished(res, () => void log.push('finished')))],
  'all of them': () => Object.entries(layers).flatMap(([name, make]) => (name === 'all of them' ? [] : make())),
};

const responses: Record<string, (res: ServerResponse) => unknown> = {
  'end with a text': (res) => res.setHeader('Content-Type', 'text/plain').end(text),
  'end with a length': (res) =>
    res.setHeader('Content-Type', 'text/plain').setHeader('Content-Length', text.length).end(text),
  'writeHead and chunks': (res) => {
    res.writeHead(201, { 'Content-Type': 'text/plain', 'X-A': '1' });
    res.write(text);
    res.write('616263', 'hex');
    res.end('é', 'latin1');
  },
  'end alone': (res) => res.end(),
  '204': (res) => res.writeHead(204).end(),
  'more than is held': (res) => {
    res.setHeader('Content-Type', 'text/plain');
    for (let i = 0; i < 50; i++) res.write(text);
    res.end();
  },
  flushHeaders: async (res) => {
    res.setHeader('Content-Type', 'text/plain').flushHeaders();
    await new Promise((resolve) => setImmediate(resolve));
    res.end(text);
  },
  'an event stream': (res) => {
    res.setHeader('Content-Type', 'text/event-stream');
    res.write('data: 1\n\n');
    res.end('data: 2\n\n');
  },
};

const requestWithGzip = requestText('POST', '1.1', ['Accept-Encoding: gzip', 'Connection: close']);
let wire: RawServer;
afterEach(() => wire.close());

async function outcome() {
  log = [];
  const got = await wire.exchange(requestWithGzip);
  const headers = got.headers.map((line) =>
    line.replace(/connect\.sid=[^;]*/, 'connect.sid=…').replace(/Expires=.*/, ''),
  );
  const isZipped = headers.includes('Content-Encoding: gzip');
  return {
    ...got,
    headers: headers.sort(),
    body: (isZipped ? gunzipSync(got.body) : got.body).toString('latin1'),
    log,
  };
}

describe('Middleware does what it does without a capture', () => {
  for (const [name, make] of Object.entries(layers)) {
    for (const where of ['outside', 'inside'] as const) {
      it.each(Object.keys(responses))(`${name} ${where}: %s`, async (form) => {
        wire = await listen((req, res) => runLayers(make(), req, res, () => void responses[form]?.(res)));
        const plain = await outcome();
        await wire.close();
        const setup = { [where]: make(), maxOutcomeBytes: 100_000 };
        wire = await startCaptureServer((exchange) => {
          void sendWhenEnded(exchange);
          responses[form]?.(exchange.res);
        }, setup);
        expect(await outcome()).toEqual(plain);
      });
    }
  }
});

describe('Middleware and the record', () => {
  it('what inner middleware does to a response is captured, what outer middleware does is not', async () => {
    const inner = await capturedBy({ inside: compressing() });
    expect(gunzipSync(inner.body ?? '').toString()).toBe(text);
    expect(inner.headers).toContainEqual(['Content-Encoding', 'gzip']);
    const outer = await capturedBy({ outside: compressing() });
    expect(outer.body?.toString()).toBe(text);
    expect(outer.headers.map(([header]) => header)).toEqual(['Content-Type']);
  });

  it('a disconnect stops a source behind outer compression when the response is too large to be recorded', async () => {
    const served = await startCaptureServer(() => {}, { outside: compressing(), maxOutcomeBytes: 1000 });
    wire = served;
    const client = await wire.connect(requestWithGzip);
    const exchange = await served.nextExchange();
    const disconnected = connectionClosed(exchange.req);
    const random = Array.from({ length: 200 }, () => randomBytes(100_000));
    exchange.res.setHeader('Content-Type', 'text/plain');
    client.socket.once('data', () => client.socket.resetAndDestroy());
    const source = Readable.from(random);
    source.pipe(exchange.res);
    await disconnected;
    expect(await capturedResponse(exchange)).toMatchObject({ body: null, isStreaming: true });
    expect(source.destroyed).toBe(true);
    await exchange.capture.send();
  });
});

async function capturedBy(setup: { inside?: Layer[]; outside?: Layer[] }) {
  const served: CaptureServer = await startCaptureServer(
    ({ res }) => res.setHeader('Content-Type', 'text/plain').end(text),
    setup,
  );
  wire = served;
  await wire.connect(requestWithGzip);
  const exchange = await served.nextExchange();
  const response = await capturedResponse(exchange);
  if (setup.inside) await wire.close();
  return response;
}

function runLayers(
  chain: readonly Layer[],
  ...[req, res, done]: [Parameters<Layer>[0], ServerResponse, () => void]
): void {
  const [first, ...rest] = chain;
  if (first) first(req, res, () => runLayers(rest, req, res, done));
  else done();
}
