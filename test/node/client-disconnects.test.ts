// A client that goes away cancels neither the handler nor the record.
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

// Dependencies of Express, as every Express application has them.
const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
const onFinished: (res: unknown, listener: (error: Error | null) => void) => void = ofExpress('on-finished');
const send: (req: unknown, path: string) => { pipe(res: unknown): void } = ofExpress('send');

const file = fileURLToPath(import.meta.url);
const size = statSync(file).size;
let wire: CaptureServer;
afterEach(() => wire.close());

/** Starts a request, has its client leave before the handler answers, and calls `answer` when the server knows. */
async function disconnectBeforeResponse(
  answer: (round: CapturedExchange) => unknown,
  setup: CaptureSetup = {},
): Promise<CapturedExchange> {
  wire = await startCaptureServer(() => {}, setup);
  const client = await wire.connect(requestText('POST'));
  const round = await wire.nextExchange();
  const gone = connectionClosed(round.req);
  client.socket.resetAndDestroy();
  await gone;
  await answer(round);
  return round;
}

/** Ways of answering that plain Node, or the packages around it, stop when the client leaves. */
const sources: Record<string, (round: CapturedExchange) => unknown> = {
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
  'an answer that is given only if the client is still there': ({ res }) => {
    if (res.destroyed || res.closed || !res.socket?.writable || res.socket.destroyed) return;
    createReadStream(file).pipe(res);
  },
};

/** A layer outside that has asked on-finished first: it keeps one list per response. */
const logger: CaptureSetup = { outside: [(_req, res, next) => next(void onFinished(res, () => {}))] };

describe('After the client has gone, the whole answer is known of', () => {
  for (const [setup, layers] of Object.entries({ 'nothing else': {}, 'a logger outside': logger })) {
    for (const how of ['held', 'flowing']) {
      it.each(Object.keys(sources))(`%s, ${how}, with ${setup}`, async (name) => {
        let failure: unknown;
        const answer = async (so: CapturedExchange): Promise<unknown> => {
          if (how === 'flowing') so.res.setHeader('Content-Type', 'text/event-stream');
          return await sources[name]?.(so);
        };
        // A pipeline that learns of the departure when the answer is through fails then, from Node 24 on.
        const start = (so: CapturedExchange): void => void answer(so).catch((error: unknown) => (failure = error));
        const round = await disconnectBeforeResponse(start, layers);
        expect(await capturedResponse(round)).toMatchObject({
          size,
          isStreaming: how === 'flowing',
          body: readFileSync(file),
        });
        expect(failure).toBeUndefined();
        await round.capture.send();
      });
    }
  }
});

describe('After the client has gone, an answer that is too large to be kept', () => {
  it.each(['a stream, piped', 'a stream in a pipeline'])(
    'is cut off, and its source is destroyed: %s',
    async (name) => {
      const source = Readable.from(endless());
      const round = await disconnectBeforeResponse(
        ({ res }) => (name === 'a stream, piped' ? void source.pipe(res) : void pipeline(source, res).catch(() => {})),
        { maxOutcomeBytes: 1_000_000 },
      );
      expect(await capturedResponse(round)).toMatchObject({ status: 200, body: null });
      await closed(source);
      await round.capture.send();
    },
  );

  it('is cut off although nothing is piped: its writer sees the response closed', async () => {
    const round = await disconnectBeforeResponse(
      async ({ res }) => {
        const left = once(res, 'close');
        for (let more = true; more && !res.destroyed; ) {
          more = res.write(Buffer.alloc(1_000));
          if (!more) more = await Promise.race([once(res, 'drain').then(() => true), left.then(() => false)]);
        }
      },
      { maxOutcomeBytes: 1_000_000 },
    );
    expect(await capturedResponse(round)).toMatchObject({ body: null });
    expect(round.res).toMatchObject({ destroyed: true, closed: true });
  });
});

describe('An attempt that is aborted', () => {
  it('ends an answer that is too large to be kept, although its client is there: that sees it cut', async () => {
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

  it('ends an event stream whose client has gone, however little it has sent', async () => {
    const attempt = new AbortController();
    const source = new PassThrough();
    const round = await disconnectBeforeResponse(
      ({ res }) => {
        res.setHeader('Content-Type', 'text/event-stream');
        source.pipe(res);
        source.write('data: 1\n\n');
      },
      { signal: () => attempt.signal },
    );
    await nextLoopTurn();
    attempt.abort();
    expect(await capturedResponse(round)).toMatchObject({ body: null, isStreaming: true });
    await closed(source);
  });

  it('leaves an answer that can be kept to its end', async () => {
    const attempt = new AbortController();
    const round = await disconnectBeforeResponse(({ res }) => res.write('a'), { signal: () => attempt.signal });
    attempt.abort();
    await nextLoopTurn();
    round.res.end('b');
    expect((await capturedResponse(round)).body?.toString()).toBe('ab');
  });
});

describe('A client that leaves while the source runs', () => {
  it('stops nothing: what on-finished was told before it left, either', async () => {
    const stream = Readable.from(yieldSlowly(['a', 'b', 'c']));
    wire = await startCaptureServer(({ res }) => {
      onFinished(res, () => stream.destroy());
      void pipeline(stream, res);
    });
    const client = await wire.connect(requestText('POST'));
    const round = await wire.nextExchange();
    client.socket.destroy();
    await connectionClosed(round.req);
    proceed();
    expect((await capturedResponse(round)).body?.toString()).toBe('abc');
  });

  it('stops nothing that was pipelined and got its turn before', async () => {
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

  it('is shown when the answer is through: close is emitted then, and on-finished called', async () => {
    const seen: string[] = [];
    const round = await disconnectBeforeResponse(({ res }) => {
      res.on('close', () => seen.push('close'));
      res.socket?.on('close', () => seen.push('socket close'));
      onFinished(res, () => seen.push('on-finished'));
      res.end('x');
    });
    await capturedResponse(round);
    expect(seen).toEqual([]);
    expect(round.res).toMatchObject({ destroyed: false, closed: false });
    await round.capture.send();
    expect(round.res).toMatchObject({ destroyed: true, closed: true, writableEnded: true });
    expect(seen.sort()).toEqual(['close', 'on-finished', 'socket close']);
  });

  it('is shown after a withdrawal too', async () => {
    const round = await disconnectBeforeResponse(() => {});
    const closed = finished(round.res).catch((error: unknown) => error);
    expect(round.capture.discard()).toBe(true);
    expect(await closed).toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });
});

describe('res.socket, as the handler sees it', () => {
  it('works like the real one', async () => {
    wire = await startCaptureServer(() => {});
    await wire.connect(requestText('POST'));
    const { req, res } = await wire.nextExchange();
    const heard: unknown[] = [];
    res.socket?.setNoDelay(true).setTimeout(60_000);
    res.socket?.once('ping', (what) => heard.push(what));
    req.socket.emit('ping', 1);
    expect(heard).toEqual([1]);
    expect(res.socket).toMatchObject({
      remoteAddress: '127.0.0.1',
      remotePort: req.socket.remotePort,
      timeout: 60_000,
    });
    expect(res.connection).toBe(res.socket);
    expect(res.socket).toBeInstanceOf(req.socket.constructor);
  });
});

describe('A handler that destroys its response', () => {
  it('before it has answered means that no answer will come', async () => {
    wire = await startCaptureServer(() => {});
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    const told = new Promise<void>((resolve) => onFinished(res, () => resolve()));
    const broken = new Readable({ read: () => broken.destroy(new Error('the source broke')) });
    await expect(pipeline(broken, res)).rejects.toThrow('the source broke');
    expect(await capture.ended).toBeNull();
    await told;
    await client.closed;
    expect(client.received()).toHaveLength(0);
  });

  it('after it has answered loses nothing', async () => {
    wire = await startCaptureServer(({ res }) => res.end('x').destroy());
    const client = await wire.connect(requestText('POST', '1.1', []));
    const { capture } = await wire.nextExchange();
    await nextLoopTurn();
    await capture.send();
    await client.closed;
    expect(client.received().toString()).toMatch(/\r\n\r\nx$/);
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
