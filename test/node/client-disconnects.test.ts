// A client that disconnects cancels neither the handler nor the record.
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PassThrough, Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  type CaptureSetup,
  capturedResponse,
  connectionClosed,
  nextLoopTurn,
  startCaptureServer,
} from './support/capture-server.js';
import { requestText } from './support/raw-http.js';

// Dependencies of Express, so every Express application has them.
const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
const onFinished: (res: unknown, listener: (error: Error | null) => void) => void = ofExpress('on-finished');
const send: (req: unknown, path: string) => { pipe(res: unknown): void } = ofExpress('send');

const file = fileURLToPath(import.meta.url);
const size = statSync(file).size;
let wire: CaptureServer;
afterEach(() => wire.close());

/** Starts a request, disconnects its client before the handler responds, and calls `respond` when the server has noticed. */
async function disconnectBeforeResponse(
  respond: (exchange: CapturedExchange) => unknown,
  setup: CaptureSetup = {},
): Promise<CapturedExchange> {
  wire = await startCaptureServer(() => {}, setup);
  const client = await wire.connect(requestText('POST'));
  const exchange = await wire.nextExchange();
  const disconnected = connectionClosed(exchange.req);
  client.socket.resetAndDestroy();
  await disconnected;
  await respond(exchange);
  return exchange;
}

/** Responses that plain Node, or well-known packages, stop when the client disconnects. */
const sources: Record<string, (exchange: CapturedExchange) => unknown> = {
  'a stream, piped': ({ res }) => createReadStream(file).pipe(res),
  'a stream in a pipeline': ({ res }) => pipeline(createReadStream(file), res),
  'a file sent with send': ({ req, res }) => send(req, file).pipe(res),
  'a stream that on-finished would stop': ({ res }) => {
    const stream = createReadStream(file);
    onFinished(res, () => stream.destroy());
    stream.pipe(res);
  },
  'writes that wait for each other': async ({ res }) => {
    for await (const chunk of createReadStream(file, { highWaterMark: 100 })) {
      await new Promise<void>((resolve) => res.write(chunk, () => resolve()));
    }
    res.end();
  },
  'a response that is sent only to a connected client': ({ res }) => {
    if (res.destroyed || res.closed || !res.socket?.writable || res.socket.destroyed) return;
    createReadStream(file).pipe(res);
  },
};

/** Outer middleware that used on-finished first: on-finished keeps one list of listeners per response. */
const logger: CaptureSetup = { outside: [(_req, res, next) => next(void onFinished(res, () => {}))] };

describe('After the client has disconnected, the whole response is captured from', () => {
  for (const [setup, layers] of Object.entries({ 'nothing else': {}, 'a logger outside': logger })) {
    for (const how of ['held', 'streaming']) {
      it.each(Object.keys(sources))(`%s, ${how}, with ${setup}`, async (name) => {
        let failure: unknown;
        const respond = async (exchange: CapturedExchange): Promise<unknown> => {
          if (how === 'streaming') exchange.res.setHeader('Content-Type', 'text/event-stream');
          return await sources[name]?.(exchange);
        };
        // From Node 24 on, a pipeline fails when it learns of the disconnect after the end of the response.
        const start = (exchange: CapturedExchange): void =>
          void respond(exchange).catch((error: unknown) => (failure = error));
        const exchange = await disconnectBeforeResponse(start, layers);
        expect(await capturedResponse(exchange)).toMatchObject({
          size,
          isStreaming: how === 'streaming',
          body: readFileSync(file),
        });
        expect(failure).toBeUndefined();
        await exchange.capture.send();
      });
    }
  }
});

describe('After the client has disconnected, a response that is too large to be recorded', () => {
  it.each(['a stream, piped', 'a stream in a pipeline'])(
    'is aborted, and its source is destroyed: %s',
    async (name) => {
      const source = Readable.from(endless());
      const exchange = await disconnectBeforeResponse(
        ({ res }) => (name === 'a stream, piped' ? void source.pipe(res) : void pipeline(source, res).catch(() => {})),
        { maxOutcomeBytes: 1_000_000 },
      );
      expect(await capturedResponse(exchange)).toMatchObject({ status: 200, body: null });
      await closed(source);
      await exchange.capture.send();
    },
  );

  it('is aborted although nothing is piped: its writer sees that the response is closed', async () => {
    const exchange = await disconnectBeforeResponse(
      async ({ res }) => {
        const closed = once(res, 'close');
        for (let more = true; more && !res.destroyed; ) {
          more = res.write(Buffer.alloc(1_000));
          if (!more) more = await Promise.race([once(res, 'drain').then(() => true), closed.then(() => false)]);
        }
      },
      { maxOutcomeBytes: 1_000_000 },
    );
    expect(await capturedResponse(exchange)).toMatchObject({ body: null });
    expect(exchange.res).toMatchObject({ destroyed: true, closed: true });
  });
});

describe('An attempt that is aborted', () => {
  it('aborts a response that is too large to be recorded, although its client is connected: the client sees the abort', async () => {
    const attempt = new AbortController();
    wire = await startCaptureServer(() => {}, { maxOutcomeBytes: 100_000, signal: () => attempt.signal });
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    const source = Readable.from(endless());
    source.pipe(res);
    await client.untilReceived((text) => text.length > 200_000);
    attempt.abort();
    expect(await capture.ended).toMatchObject({ status: 200, body: null, isStreaming: true });
    await closed(source);
    await client.closed;
    expect(client.received().toString('latin1')).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('aborts an event stream whose client has disconnected, however little it has sent', async () => {
    const attempt = new AbortController();
    const source = new PassThrough();
    const exchange = await disconnectBeforeResponse(
      ({ res }) => {
        res.setHeader('Content-Type', 'text/event-stream');
        source.pipe(res);
        source.write('data: 1\n\n');
      },
      { signal: () => attempt.signal },
    );
    await nextLoopTurn();
    attempt.abort();
    expect(await capturedResponse(exchange)).toMatchObject({ body: null, isStreaming: true });
    await closed(source);
  });

  it('does not abort a response that can be recorded', async () => {
    const attempt = new AbortController();
    const exchange = await disconnectBeforeResponse(({ res }) => res.write('a'), { signal: () => attempt.signal });
    attempt.abort();
    await nextLoopTurn();
    exchange.res.end('b');
    expect((await capturedResponse(exchange)).body?.toString()).toBe('ab');
  });
});

describe('A client that disconnects while the source runs', () => {
  it('does not call a listener that on-finished got before', async () => {
    const stream = Readable.from(yieldSlowly(['a', 'b', 'c']));
    wire = await startCaptureServer(({ res }) => {
      onFinished(res, () => stream.destroy());
      void pipeline(stream, res);
    });
    const client = await wire.connect(requestText('POST'));
    const exchange = await wire.nextExchange();
    client.socket.destroy();
    await connectionClosed(exchange.req);
    proceed();
    expect((await capturedResponse(exchange)).body?.toString()).toBe('abc');
  });

  it('does not stop a pipelined response that already has the socket', async () => {
    const stream = Readable.from(yieldSlowly(['a', 'b', 'c']));
    let number = 0;
    wire = await startCaptureServer(({ res }) => {
      number += 1;
      if (number === 1) return void res.end('x');
      onFinished(res, () => stream.destroy());
      stream.pipe(res);
    });
    const client = await wire.connect(requestText('POST', '1.1', []).repeat(2));
    const [first, second] = [await wire.nextExchange(), await wire.nextExchange()];
    await first.capture.send();
    await client.untilReceived((text) => text.endsWith('x'));
    client.socket.destroy();
    await connectionClosed(second.req);
    proceed();
    expect((await capturedResponse(second)).body?.toString()).toBe('abc');
  });

  it('is shown after the response was sent: close is emitted, and on-finished calls its listeners', async () => {
    const events: string[] = [];
    const exchange = await disconnectBeforeResponse(({ res }) => {
      res.on('close', () => events.push('close'));
      res.socket?.on('close', () => events.push('socket close'));
      onFinished(res, () => events.push('on-finished'));
      res.end('x');
    });
    await capturedResponse(exchange);
    expect(events).toEqual([]);
    expect(exchange.res).toMatchObject({ destroyed: false, closed: false });
    await exchange.capture.send();
    expect(exchange.res).toMatchObject({ destroyed: true, closed: true, writableEnded: true });
    expect(events.sort()).toEqual(['close', 'on-finished', 'socket close']);
  });

  it('is also shown after a discard', async () => {
    const exchange = await disconnectBeforeResponse(() => {});
    const closed = finished(exchange.res).catch((error: unknown) => error);
    expect(exchange.capture.discard()).toBe(true);
    expect(await closed).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });
});

/** Resolves when a stream has been destroyed. */
async function closed(source: Readable): Promise<void> {
  if (!source.closed) await once(source, 'close');
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(65_536);
}

let proceed: () => void = () => {};
async function* yieldSlowly(parts: readonly string[]): AsyncGenerator<string> {
  for (const part of parts) {
    yield part;
    if (part === parts[0]) await new Promise<void>((resolve) => (proceed = resolve));
  }
}
