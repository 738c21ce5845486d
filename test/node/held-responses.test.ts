// What is true while a response is held.
import { createServer, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { captureResponse } from '../../packages/core/src/node/index.js';
import {
  type CapturedExchange,
  type CaptureServer,
  type CaptureSetup,
  capturedResponse,
  nextLoopTurn,
  startCaptureServer,
} from './support/capture-server.js';
import { listen, parseResponse, requestText } from './support/raw-http.js';

let wire: CaptureServer;
const startWith = async (handler: (exchange: CapturedExchange) => unknown, setup?: CaptureSetup): Promise<void> => {
  wire = await startCaptureServer(handler, setup);
};
const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : error);

afterEach(() => wire.close());

describe('Until it is sent, a captured response', () => {
  it('does not reach the client, not even a byte of it', async () => {
    await startWith(({ res }) => {
      res.writeHead(201, { 'X-A': '1' });
      res.write('a');
      res.end('b');
    });
    const client = await wire.connect(requestText('POST'));
    const exchange = await wire.nextExchange();
    await capturedResponse(exchange);
    await nextLoopTurn();
    expect(exchange.req.socket.bytesWritten).toBe(0);
    await exchange.capture.send();
    await client.closed;
    expect(parseResponse(client.received())).toMatchObject({
      statusLine: 'HTTP/1.1 201 Created',
      body: Buffer.from('ab'),
    });
  });

  it('lets informational responses pass', async () => {
    await startWith(({ res }) => {
      res.writeEarlyHints({ link: '</a.css>' });
      res.writeProcessing();
      res.end('x');
    });
    const client = await wire.connect(requestText('POST'));
    const text = await client.untilReceived((received) => received.includes('102 Processing'));
    expect(text).toContain('103 Early Hints');
    expect(text).not.toContain('200 OK');
  });

  it('accepts informational responses after its end if plain Node does, and they do not damage it', async () => {
    const late = (res: ServerResponse): unknown => {
      try {
        return void res.end('x').writeProcessing();
      } catch (error) {
        return codeOf(error);
      }
    };
    const results: unknown[] = [];
    const plain = await listen((_req, res) => void results.push(late(res)));
    await plain.exchange(requestText('POST'));
    await plain.close();
    await startWith(({ res }) => void results.push(late(res)));
    const client = await wire.connect(requestText('POST'));
    await (await wire.nextExchange()).capture.send();
    await client.closed;
    expect(results[1]).toBe(results[0]);
    expect(parseResponse(client.received())).toMatchObject({ statusLine: 'HTTP/1.1 200 OK', body: Buffer.from('x') });
  });

  it('is known to the owner of the capture in full', async () => {
    await startWith(
      ({ res }) => {
        res.setHeader('X-A', 7).setHeader('Set-Cookie', ['a', 'b']);
        res.writeHead(202, 'Taken', { 'x-outer': 'changed' });
        res.write(Buffer.from([255]));
        res.addTrailers({ 'X-Sum': '1' });
        res.end('é');
      },
      { outside: [(_req, res, next) => next(void res.setHeader('X-Outer', '1'))] },
    );
    await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    expect(capture.baselineHeaders).toEqual([['X-Outer', '1']]);
    expect(await capturedResponse({ capture })).toEqual({
      status: 202,
      reason: 'Taken',
      headers: [
        ['x-outer', 'changed'],
        ['X-A', '7'],
        ['Set-Cookie', ['a', 'b']],
      ],
      trailers: [['X-Sum', '1']],
      body: Buffer.from([255, 0xc3, 0xa9]),
      size: 3,
      isStreaming: false,
    });
  });

  it('has the head that was written with the old name of writeHead', async () => {
    await startWith(({ res }) => {
      // Node 26 removed writeHeader.
      Reflect.apply(Reflect.get(res, 'writeHeader') ?? res.writeHead, res, [203, { 'X-A': '1' }]);
      res.end();
    });
    await wire.connect(requestText('POST'));
    expect(await capturedResponse(await wire.nextExchange())).toMatchObject({ status: 203, headers: [['X-A', '1']] });
  });

  it('keeps the head as it was written, whatever is assigned later', async () => {
    await startWith(({ res }) => {
      res.statusCode = 201;
      res.end('first');
      res.statusCode = 500;
      res.statusMessage = 'Oops';
      expect(() => res.setHeader('X-Late', '1')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }));
      expect(res).toMatchObject({ headersSent: true, writableEnded: true, finished: true, writableFinished: false });
    });
    const client = await wire.connect(requestText('POST'));
    const exchange = await wire.nextExchange();
    await exchange.capture.send();
    await client.closed;
    expect(parseResponse(client.received())).toMatchObject({
      statusLine: 'HTTP/1.1 201 Created',
      headers: [],
      body: Buffer.from('first'),
    });
  });

  it('is not ended by what Node refuses: an error handler can still respond', async () => {
    await startWith(({ res }) => {
      res.setHeader('X-A', '1');
      for (const attempt of [
        () => Reflect.apply(res.end, res, [{}]),
        () => res.writeHead(99),
        () => res.writeHead(200, ['a']),
      ]) {
        expect(attempt).toThrow();
        expect(res).toMatchObject({ headersSent: false, writableEnded: false });
      }
      expect(() => Reflect.apply(res.write, res, ['x', 'klingon'])).toThrow(
        expect.objectContaining({ code: 'ERR_UNKNOWN_ENCODING' }),
      );
    });
    await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    capture.endWithoutResponse();
    expect(await capture.ended).toBeNull();
  });

  it('refuses a body if the server option says so', async () => {
    let code: unknown;
    const server = createServer({ rejectNonStandardBodyWrites: true });
    await startWith(
      ({ res }) => {
        res.statusCode = 204;
        try {
          res.write('x');
        } catch (error) {
          code = codeOf(error);
        }
        res.end();
      },
      { server },
    );
    await wire.connect(requestText('POST'));
    await capturedResponse(await wire.nextExchange());
    expect(code).toBe('ERR_HTTP_BODY_NOT_ALLOWED');
  });

  it('does not start streaming after its end', async () => {
    await startWith(({ res }) => res.end('x').flushHeaders());
    const client = await wire.connect(requestText('POST'));
    const exchange = await wire.nextExchange();
    expect((await capturedResponse(exchange)).isStreaming).toBe(false);
    await nextLoopTurn();
    expect(exchange.req.socket.bytesWritten).toBe(0);
    await exchange.capture.send();
    await client.closed;
    expect(parseResponse(client.received()).body.toString()).toBe('x');
  });

  it('does not end the process when something is written after the end and nobody listens', async () => {
    let code: unknown;
    await startWith(({ res }) => {
      res.end('x');
      setImmediate(() => res.write('late', (error) => (code = codeOf(error))));
    });
    const client = await wire.connect(requestText('POST'));
    const exchange = await wire.nextExchange();
    await nextLoopTurn();
    await nextLoopTurn();
    await exchange.capture.send();
    await client.closed;
    expect(code).toBe('ERR_STREAM_WRITE_AFTER_END');
    expect(parseResponse(client.received()).body.toString()).toBe('x');
  });
});

it('A response whose head has been written is not captured', async () => {
  await startWith(({ res }) => res.end('x'));
  await wire.connect(requestText('POST'));
  const { req, res, capture } = await wire.nextExchange();
  await capture.send();
  expect(() => captureResponse(req, res, { maxOutcomeBytes: 1 })).toThrow(/has been written/);
});
