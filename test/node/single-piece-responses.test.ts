// The most frequent response, whose whole body is passed to `end`: it needs no dry run, and nobody can see that.
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  type CaptureSetup,
  capturedResponse,
  type Layer,
  nextLoopTurn,
  startCaptureServer,
} from './support/capture-server.js';
import { parseResponse, requestText } from './support/raw-http.js';

let wire: CaptureServer;
afterEach(() => wire.close());

async function begin(
  handler: (exchange: CapturedExchange) => unknown,
  setup: CaptureSetup = {},
): Promise<CapturedExchange & { ask: SendAndParse }> {
  wire = await startCaptureServer(handler, setup);
  const client = await wire.connect(requestText('POST'));
  const ask = async (exchange: CapturedExchange) => {
    await exchange.capture.send();
    await client.closed;
    return parseResponse(client.received());
  };
  return { ...(await wire.nextExchange()), ask };
}
type SendAndParse = (exchange: CapturedExchange) => Promise<ReturnType<typeof parseResponse>>;

const endWith = (res: ServerResponse, ...args: unknown[]): unknown => Reflect.apply(res.end, res, args);

describe('A response that is passed to end in one piece', () => {
  it('is captured at once, with its head', async () => {
    const { res, capture } = await begin(({ res }) => {
      res.statusCode = 201;
      res.setHeader('X-A', '1').end('é');
    });
    expect(await capturedResponse({ capture })).toEqual({
      status: 201,
      reason: 'Created',
      headers: [['X-A', '1']],
      trailers: [],
      body: Buffer.from('é'),
      size: 2,
      isStreaming: false,
    });
    expect(Reflect.get(res, '_header')).toBe('HTTP/1.1 201 Created\r\nX-A: 1\r\n\r\n');
    expect(capture.discard()).toBe(true);
    expect(Reflect.get(res, '_header')).toBeNull();
  });

  it('is copied: the handler may reuse the memory', async () => {
    const exchange = await begin(({ res }) => {
      const bytes = Buffer.from('first');
      res.end(bytes);
      bytes.fill('x');
    });
    expect((await capturedResponse(exchange)).body?.toString()).toBe('first');
  });

  it('ends where its declared length does', async () => {
    const exchange = await begin(({ res }) => res.setHeader('Content-Length', 2).end('abc'));
    expect(await capturedResponse(exchange)).toMatchObject({ body: Buffer.from('ab'), size: 2 });
    expect((await exchange.ask(exchange)).body.toString()).toBe('ab');
  });

  it('streams if it is an event stream, or too large to be held', async () => {
    const stream = await begin(({ res }) => res.setHeader('Content-Type', 'text/event-stream').end('data: 1\n\n'));
    expect((await capturedResponse(stream)).isStreaming).toBe(true);
    await wire.close();
    const large = await begin(({ res }) => res.end('12345'), { maxOutcomeBytes: 4 });
    expect(await capturedResponse(large)).toMatchObject({ isStreaming: true, body: null, size: 5 });
  });

  it('has a status that is a number, however it was assigned', async () => {
    const exchange = await begin(({ res }) => void Object.assign(res, { statusCode: '201' }).end('x'));
    expect(await capturedResponse(exchange)).toMatchObject({ status: 201, reason: 'Created' });
  });

  it('has no body where none is sent', async () => {
    const exchange = await begin(({ res }) => {
      res.statusCode = 204;
      res.end('dropped');
    });
    expect(await capturedResponse(exchange)).toMatchObject({ status: 204, body: Buffer.alloc(0), size: 0 });
  });

  it('goes through the writeHead of inner middleware', async () => {
    const naming: Layer = (_req, res, next) => {
      const { writeHead } = res;
      res.writeHead = (...args: unknown[]) => {
        res.setHeader('X-Seen', String(args[0]));
        return Reflect.apply(writeHead, res, args);
      };
      next();
    };
    const exchange = await begin(({ res }) => res.end('x'), { inside: [naming] });
    expect((await capturedResponse(exchange)).headers).toEqual([['X-Seen', '200']]);
    expect((await exchange.ask(exchange)).headers).toEqual(['X-Seen: 200']);
  });
});

describe('What Node would refuse is refused in the call of end', () => {
  it.each([
    ['an unknown encoding', ['x', 'klingon'], 'ERR_UNKNOWN_ENCODING', () => {}],
    ['a chunk of a wrong type', [{}], 'ERR_INVALID_ARG_TYPE', () => {}],
    [
      'a status over 999',
      ['x'],
      'ERR_HTTP_INVALID_STATUS_CODE',
      (res) => void Object.assign(res, { statusCode: 1000 }),
    ],
    [
      'a status that is not a number',
      ['x'],
      'ERR_HTTP_INVALID_STATUS_CODE',
      (res) => void Object.assign(res, { statusCode: Number.NaN }),
    ],
    [
      'a reason with a line break',
      ['x'],
      'ERR_INVALID_CHAR',
      (res) => void Object.assign(res, { statusMessage: 'a\nb' }),
    ],
    [
      'a length that is not the strict one',
      ['x'],
      'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
      (res) => void Object.assign(res.setHeader('Content-Length', 2), { strictContentLength: true }),
    ],
    [
      'a strict length that is no number',
      ['x'],
      'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
      (res) => void Object.assign(res.setHeader('Content-Length', 'one'), { strictContentLength: true }),
    ],
    [
      'an announced trailer that cannot come',
      ['x'],
      'ERR_HTTP_TRAILER_INVALID',
      (res) => void res.setHeader('Trailer', 'X-Sum').setHeader('Content-Length', 1),
    ],
    [
      'a list that was changed after it was set',
      ['x'],
      'ERR_INVALID_CHAR',
      (res) => {
        const list = ['a'];
        res.setHeader('X-A', list);
        list.push('b\r\nX-B: c');
      },
    ],
  ] satisfies [string, unknown[], string, (res: ServerResponse) => void][])('%s', async (_, args, code, prepare) => {
    let refusal: unknown;
    const { res, capture } = await begin(({ res }) => {
      prepare(res);
      try {
        endWith(res, ...args);
      } catch (error) {
        refusal = error;
      }
    });
    expect(refusal).toMatchObject({ code });
    expect(res.writableEnded).toBe(false);
    capture.endWithoutResponse();
    expect(await capture.ended).toBeNull();
  });
});

describe('After the end of such a response', () => {
  it.each([
    ['write', ['late'], 'ERR_STREAM_WRITE_AFTER_END'],
    ['end', ['late'], 'ERR_STREAM_WRITE_AFTER_END'],
  ])('a %s fails and changes nothing, before the response is sent and after', async (name, args, code) => {
    const exchange = await begin(({ res }) => res.end('x'));
    const late = Reflect.get(exchange.res, name);
    const codes: unknown[] = [];
    const note = (error: unknown): void => void codes.push(error instanceof Error && 'code' in error && error.code);
    Reflect.apply(late, exchange.res, [...args, note]);
    const response = await exchange.ask(exchange);
    Reflect.apply(late, exchange.res, [...args, note]);
    await nextLoopTurn();
    expect(response.body.toString()).toBe('x');
    expect(codes).toEqual([code, code]);
  });

  it('a write is refused if the response was discarded', async () => {
    const exchange = await begin(({ res }) => res.end('x'));
    const { write } = exchange.res;
    exchange.capture.discard();
    const failed = new Promise((resolve) => Reflect.apply(write, exchange.res, ['late', resolve]));
    expect(await failed).toBeInstanceOf(Error);
    exchange.res.end('other');
    expect((await exchange.ask(exchange)).body.toString()).toBe('other');
  });

  it('an error handler finds that it is too late', async () => {
    const exchange = await begin(({ res }) => {
      res.statusCode = 201;
      res.end('done');
      expect(res.headersSent).toBe(true);
      const tooLate = expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' });
      expect(() => res.writeHead(500)).toThrow(tooLate);
      expect(() => res.setHeader('X-A', '1')).toThrow(tooLate);
    });
    expect(await exchange.ask(exchange)).toMatchObject({
      statusLine: 'HTTP/1.1 201 Created',
      body: Buffer.from('done'),
    });
  });
});
