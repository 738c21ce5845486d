// Answers that flow: they leave while they are written, and only their end is held back.
import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  capturedResponse,
  connectionClosed,
  nextLoopTurn,
  sendWhenEnded,
  startCaptureServer,
} from './support/capture-server.js';
import { parseResponse, requestText } from './support/raw-http.js';

const MB = 1024 * 1024;
const keepAlive = requestText('POST', '1.1', []);
let wire: CaptureServer;
afterEach(() => wire.close());

/** Three ways to start flowing, with an answer of 'abc' in which at least the 'a' has left. */
const streamStarts: Record<string, (round: CapturedExchange) => void> = {
  'with chunked coding': ({ res }) => res.flushHeaders(),
  'with a declared length': ({ res }) => res.setHeader('Content-Length', 3).flushHeaders(),
  'until the connection closes': ({ res }) => res.flushHeaders(),
};
const versionOf = (how: string): string => (how.startsWith('until') ? '1.0' : '1.1');

async function startStream(how: string) {
  wire = await startCaptureServer((round) => {
    streamStarts[how]?.(round);
    round.res.write('a');
    round.res.end('bc');
  });
  const client = await wire.connect(requestText('POST', versionOf(how), []));
  const round = await wire.nextExchange();
  const sofar = how === 'with a declared length' ? /ab$/ : /bc(\r\n)?$/;
  await client.untilReceived((text) => sofar.test(text));
  return { client, round };
}

describe('A flowing answer', () => {
  it.each(Object.keys(streamStarts))('is not complete before it is sent (%s)', async (how) => {
    const { client, round } = await startStream(how);
    const answer = await capturedResponse(round);
    expect(answer).toMatchObject({ isStreaming: true, body: Buffer.from('abc'), size: 3 });
    await nextLoopTurn();
    const before = client.received().toString();
    expect(client.socket.readyState).toBe('open');
    await round.capture.send([['X-Late', '1']]);
    const end = {
      'with chunked coding': '0\r\n\r\n',
      'with a declared length': 'c',
      'until the connection closes': '',
    }[how];
    const all = await client.untilReceived((text) => text.length === before.length + (end?.length ?? 0));
    expect(all).toBe(`${before}${end}`);
    if (how === 'until the connection closes') expect(await client.closed).toBe('end');
  });

  it.each(Object.keys(streamStarts))('that is cut cannot be taken for a complete one (%s)', async (how) => {
    const { client, round } = await startStream(how);
    await capturedResponse(round);
    expect(round.capture.discard()).toBe(false);
    round.capture.abort();
    const ended = await client.closed;
    if (how === 'until the connection closes') expect(ended).toBe('ECONNRESET');
    if (how === 'with chunked coding') expect(() => parseResponse(client.received())).toThrow('not complete');
    if (how === 'with a declared length')
      expect(client.received().toString()).toMatch(/Content-Length: 3\r\n(.*\r\n)*\r\nab$/);
  });

  it('that is cut before its end leaves nothing waiting, and stops its source', async () => {
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

  it('that is cut takes the answers behind it on the connection with it', async () => {
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

  it('shows its head at once when that is flushed', async () => {
    wire = await startCaptureServer(({ res }) => res.writeHead(202, { 'X-A': '1' }).flushHeaders());
    const client = await wire.connect(keepAlive);
    expect(await client.untilReceived((text) => text.endsWith('\r\n\r\n'))).toMatch(
      /^HTTP\/1.1 202 Accepted\r\nX-A: 1\r\n/,
    );
  });

  it('keeps what was written before its head was flushed', async () => {
    wire = await startCaptureServer(({ res }) => {
      res.write('a');
      res.flushHeaders();
      res.end('b');
    });
    const client = await wire.connect(keepAlive);
    expect((await capturedResponse(await wire.nextExchange())).body?.toString()).toBe('ab');
    // Node 24 sends in one piece what is written in one go.
    await client.untilReceived((text) => /a(\r\n1\r\n)?b\r\n$/.test(text));
  });

  it('is not kept beyond maxOutcomeBytes, to the byte', async () => {
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

  it('does not flow where its head alone would be a complete answer', async () => {
    wire = await startCaptureServer(({ req, res }) => {
      if (req.method === 'POST') res.setHeader('Content-Length', 0);
      if (req.method === 'PUT') res.statusCode = 204;
      res.flushHeaders();
      res.end();
    });
    for (const method of ['HEAD', 'PUT', 'POST']) {
      const client = await wire.connect(requestText(method, '1.1', []));
      const round = await wire.nextExchange();
      expect((await capturedResponse(round)).isStreaming).toBe(false);
      await nextLoopTurn();
      expect(client.received()).toHaveLength(0);
      await round.capture.send();
    }
  });

  it('loses the bytes beyond its declared length, which are no part of any answer', async () => {
    wire = await startCaptureServer((round) => {
      void sendWhenEnded(round);
      round.res.setHeader('Content-Length', 2).write('abc');
      round.res.end('d');
    });
    const client = await wire.connect(keepAlive + keepAlive);
    const text = await client.untilReceived((so) => (so.match(/200 OK/g)?.length ?? 0) === 2 && so.endsWith('ab'));
    expect(text.match(/\r\n\r\nab/g)).toHaveLength(2);
  });
});

describe('50 MB flow', () => {
  it('only as fast as the client reads', async () => {
    let produced = 0;
    wire = await startCaptureServer((round) => {
      void sendWhenEnded(round);
      Readable.from(bytes(50 * MB, (so) => (produced = so))).pipe(round.res);
    });
    const client = connect(wire.port, '127.0.0.1').pause();
    client.write(requestText('POST'));
    await wire.nextExchange();
    const settled = await untilStable(() => produced);
    expect(settled).toBeLessThan(32 * MB);
    let received = 0;
    client.on('data', (chunk) => (received += chunk.length)).resume();
    await once(client, 'close');
    expect(received).toBeGreaterThan(50 * MB);
  });

  it.each(['to a client that reads', 'to a client that left', 'to a client that left, to which nothing had flowed'])(
    'with less than 32 MB of added memory, %s',
    async (how) => {
      const before = liveMemory();
      let most = 0;
      const watch = (): void => {
        most = Math.max(most, liveMemory() - before);
      };
      wire = await startCaptureServer(() => {});
      const client = connect(wire.port, '127.0.0.1');
      client.write(requestText('POST'));
      const round = await wire.nextExchange();
      const gone = connectionClosed(round.req);
      if (how.endsWith('flowed')) client.destroy();
      else if (how.endsWith('left')) client.once('data', () => client.resetAndDestroy());
      else client.resume();
      if (client.destroyed) await gone;
      const source = Readable.from(bytes(50 * MB, watch));
      source.pipe(round.res);
      const { size, body, isStreaming } = await capturedResponse(round);
      expect([body, isStreaming]).toEqual([null, true]);
      // Nobody wants the rest of it.
      if (how.includes('left')) expect([size < 50 * MB, source.destroyed]).toEqual([true, true]);
      else expect(size).toBe(50 * MB);
      watch();
      await round.capture.send();
      expect(most).toBeLessThan(32 * MB);
    },
  );
});

async function* endless(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(65_536);
    await nextLoopTurn();
  }
}

/** Fresh bytes, and every 5 MB a call with how many there were. */
async function* bytes(total: number, watch: (produced: number) => void): AsyncGenerator<Buffer> {
  for (let produced = 0; produced < total; produced += 65_536) {
    if (produced % (5 * MB) === 0) watch(produced);
    yield Buffer.alloc(65_536, 'x');
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');
/** What is really in use, without what only waits for the garbage collector. */
function liveMemory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The value once it has not changed for many turns of the event loop. */
async function untilStable(value: () => number): Promise<number> {
  let last = -1;
  for (let turns = 0; turns < 200; turns++) {
    if (value() !== last) turns = 0;
    last = value();
    await nextLoopTurn();
  }
  return last;
}
