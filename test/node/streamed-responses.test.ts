// Streaming responses: they are sent while they are written, and only their end is held back.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  capturedResponse,
  nextLoopTurn,
  sendWhenEnded,
  startCaptureServer,
} from './support/capture-server.js';
import { parseResponse, requestText } from './support/raw-http.js';

const _MB = 1024 * 1024;
const keepAlive = requestText('POST', '1.1', []);
let wire: CaptureServer;
afterEach(() => wire.close());

/** Three ways to start streaming, for a response of 'abc' of which at least the 'a' is sent at once. */
const streamStarts: Record<string, (exchange: CapturedExchange) => void> = {
  'with chunked coding': ({ res }) => res.flushHeaders(),
  'with a declared length': ({ res }) => res.setHeader('Content-Length', 3).flushHeaders(),
  'until the connection closes': ({ res }) => res.flushHeaders(),
};
const versionOf = (how: string): string => (how.startsWith('until') ? '1.0' : '1.1');

async function startStream(how: string) {
  wire = await startCaptureServer((exchange) => {
    streamStarts[how]?.(exchange);
    exchange.res.write('a');
    exchange.res.end('bc');
  });
  const client = await wire.connect(requestText('POST', versionOf(how), []));
  const exchange = await wire.nextExchange();
  const sofar = how === 'with a declared length' ? /ab$/ : /bc(\r\n)?$/;
  await client.untilReceived((text) => sofar.test(text));
  return { client, exchange };
}

describe('A streaming response', () => {
  it.each(Object.keys(streamStarts))('is not complete before it is sent (%s)', async (how) => {
    const { client, exchange } = await startStream(how);
    const response = await capturedResponse(exchange);
    expect(response).toMatchObject({ isStreaming: true, body: Buffer.from('abc'), size: 3 });
    await nextLoopTurn();
    const before = client.received().toString();
    expect(client.socket.readyState).toBe('open');
    await exchange.capture.send([['X-Late', '1']]);
    const end = {
      'with chunked coding': '0\r\n\r\n',
      'with a declared length': 'c',
      'until the connection closes': '',
    }[how];
    const all = await client.untilReceived((text) => text.length === before.length + (end?.length ?? 0));
    expect(all).toBe(`${before}${end}`);
    if (how === 'until the connection closes') expect(await client.closed).toBe('end');
  });

  it.each(Object.keys(streamStarts))('that is aborted cannot be taken for a complete one (%s)', async (how) => {
    const { client, exchange } = await startStream(how);
    await capturedResponse(exchange);
    expect(exchange.capture.discard()).toBe(false);
    exchange.capture.abort();
    const ended = await client.closed;
    if (how === 'until the connection closes') expect(ended).toBe('ECONNRESET');
    if (how === 'with chunked coding') expect(() => parseResponse(client.received())).toThrow('not complete');
    if (how === 'with a declared length')
      expect(client.received().toString()).toMatch(/Content-Length: 3\r\n(.*\r\n)*\r\nab$/);
  });

  it('that is aborted before its end leaves nothing waiting, and stops its source', async () => {
    const source = Readable.from(endless());
    wire = await startCaptureServer(({ res }) => pipeline(source, res).catch(() => {}));
    const client = await wire.connect(keepAlive);
    const { capture } = await wire.nextExchange();
    await client.untilReceived((text) => text.length > 200_000);
    capture.abort();
    expect(await capture.ended).toBeNull();
    await client.closed;
    if (!source.closed) await once(source, 'close');
  });

  it('that is aborted also ends the responses behind it on the connection', async () => {
    let number = 0;
    wire = await startCaptureServer(({ res }) => {
      number += 1;
      if (number === 1) res.flushHeaders();
      res.end('x');
    });
    const client = await wire.connect(keepAlive + keepAlive);
    const [first, second] = [await wire.nextExchange(), await wire.nextExchange()];
    await capturedResponse(second);
    first.capture.abort();
    await client.closed;
    await second.capture.send();
  });

  it('arrives event by event', async () => {
    wire = await startCaptureServer(({ res }) => res.setHeader('Content-Type', 'text/event-stream; charset=utf-8'));
    const client = await wire.connect(keepAlive);
    const { res, capture } = await wire.nextExchange();
    for (const data of ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']) {
      res.write(data);
      await client.untilReceived((text) => text.includes(data));
    }
    res.end();
    expect((await capturedResponse({ capture })).body?.toString()).toBe('data: 1\n\ndata: 2\n\ndata: 3\n\n');
  });

  it('sends its head at once when it is flushed', async () => {
    wire = await startCaptureServer(({ res }) => res.writeHead(202, { 'X-A': '1' }).flushHeaders());
    const client = await wire.connect(keepAlive);
    expect(await client.untilReceived((text) => text.endsWith('\r\n\r\n'))).toMatch(
      /^HTTP\/1.1 202 Accepted\r\nX-A: 1\r\n/,
    );
  });

  it('also records what was written before its head was flushed', async () => {
    wire = await startCaptureServer(({ res }) => {
      res.write('a');
      res.flushHeaders();
      res.end('b');
    });
    const client = await wire.connect(keepAlive);
    expect((await capturedResponse(await wire.nextExchange())).body?.toString()).toBe('ab');
    // Node 24 sends in one piece what is written in one tick.
    await client.untilReceived((text) => /a(\r\n1\r\n)?b\r\n$/.test(text));
  });

  it('is not recorded beyond maxOutcomeBytes, to the byte', async () => {
    let size = 10;
    wire = await startCaptureServer(({ res }) => res.end('x'.repeat(size)), { maxOutcomeBytes: 10 });
    await wire.connect(keepAlive);
    expect(await capturedResponse(await wire.nextExchange())).toMatchObject({
      isStreaming: false,
      body: Buffer.alloc(10, 'x'),
    });
    size = 11;
    await wire.connect(keepAlive);
    expect(await capturedResponse(await wire.nextExchange())).toMatchObject({
      isStreaming: true,
      body: null,
      size: 11,
    });
  });

  it('does not stream where its head alone would be a complete response', async () => {
    wire = await startCaptureServer(({ req, res }) => {
      if (req.method === 'POST') res.setHeader('Content-Length', 0);
      if (req.method === 'PUT') res.statusCode = 204;
      res.flushHeaders();
      res.end();
    });
    for (const method of ['HEAD', 'PUT', 'POST']) {
      const client = await wire.connect(requestText(method, '1.1', []));
      const exchange = await wire.nextExchange();
      expect((await capturedResponse(exchange)).isStreaming).toBe(false);
      await nextLoopTurn();
      expect(client.received()).toHaveLength(0);
      await exchange.capture.send();
    }
  });

  it('drops the bytes beyond its declared length, which belong to no response', async () => {
    wire = await startCaptureServer((exchange) => {
      void sendWhenEnded(exchange);
      exchange.res.setHeader('Content-Length', 2).write('abc');
      exchange.res.end('d');
    });
    const client = await wire.connect(keepAlive + keepAlive);
    const text = await client.untilReceived(
      (received) => (received.match(/200 OK/g)?.length ?? 0) === 2 && received.endsWith('ab'),
    );
    expect(text.match(/\r\n\r\nab/g)).toHaveLength(2);
  });
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(65_536);
    await nextLoopTurn();
  }
}
