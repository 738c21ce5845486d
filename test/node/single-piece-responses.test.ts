// The answer that nearly all are, given whole to `end`: it is not rehearsed, and nobody can tell.
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
  handler: (round: CapturedExchange) => unknown,
  setup: CaptureSetup = {},
): Promise<CapturedExchange & { ask: SendAndParse }> {
  wire = await startCaptureServer(handler, setup);
  const client = await wire.connect(requestText('POST'));
  const ask = async (round: CapturedExchange) => {
    await round.capture.send();
    await client.closed;
    return parseResponse(client.received());
  };
  return { ...(await wire.nextExchange()), ask };
}
type SendAndParse = (round: CapturedExchange) => Promise<ReturnType<typeof parseResponse>>;

const endWith = (res: ServerResponse, ...args: unknown[]): unknown => Reflect.apply(res.end, res, args);

describe('What is given to end in one piece', () => {
  it('is known at once, head and all', async () => {
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

  it('is a copy: its memory may be used again', async () => {
    const round = await begin(({ res }) => {
      const bytes = Buffer.from('first');
      res.end(bytes);
      bytes.fill('x');
    });
    expect((await capturedResponse(round)).body?.toString()).toBe('first');
  });

  it('ends where its declared length does', async () => {
    const round = await begin(({ res }) => res.setHeader('Content-Length', 2).end('abc'));
    expect(await capturedResponse(round)).toMatchObject({ body: Buffer.from('ab'), size: 2 });
    expect((await round.ask(round)).body.toString()).toBe('ab');
  });

  it('flows where it is an event stream, or too large to be held', async () => {
    const stream = await begin(({ res }) => res.setHeader('Content-Type', 'text/event-stream').end('data: 1\n\n'));
    expect((await capturedResponse(stream)).isStreaming).toBe(true);
    await wire.close();
    const large = await begin(({ res }) => res.end('12345'), { maxOutcomeBytes: 4 });
    expect(await capturedResponse(large)).toMatchObject({ isStreaming: true, body: null, size: 5 });
  });

  it('has a status that is a number, however it was assigned', async () => {
    const round = await begin(({ res }) => void Object.assign(res, { statusCode: '201' }).end('x'));
    expect(await capturedResponse(round)).toMatchObject({ status: 201, reason: 'Created' });
  });

  it('has no body where none is sent', async () => {
    const round = await begin(({ res }) => {
      res.statusCode = 204;
      res.end('dropped');
    });
    expect(await capturedResponse(round)).toMatchObject({ status: 204, body: Buffer.alloc(0), size: 0 });
  });

  it('goes through the writeHead of a layer inside', async () => {
    const naming: Layer = (_req, res, next) => {
      const { writeHead } = res;
      res.writeHead = (...args: unknown[]) => {
        res.setHeader('X-Seen', String(args[0]));
        return Reflect.apply(writeHead, res, args);
      };
      next();
    };
    const round = await begin(({ res }) => res.end('x'), { inside: [naming] });
    expect((await capturedResponse(round)).headers).toEqual([['X-Seen', '200']]);
    expect((await round.ask(round)).headers).toEqual(['X-Seen: 200']);
  });
});

describe('What Node would refuse is refused in the call of end', () => {
  it.each([
    ['an encoding that is none', ['x', 'klingon'], 'ERR_UNKNOWN_ENCODING', () => {}],
    ['a chunk that is none', [{}], 'ERR_INVALID_ARG_TYPE', () => {}],
    [
      'a status over 999',
      ['x'],
      'ERR_HTTP_INVALID_STATUS_CODE',
      (res) => void Object.assign(res, { statusCode: 1000 }),
    ],
    [
      'a status that is none',
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

describe('After an ordinary end', () => {
  it.each([
    ['write', ['late'], 'ERR_STREAM_WRITE_AFTER_END'],
    ['end', ['late'], 'ERR_STREAM_WRITE_AFTER_END'],
  ])('a %s is told so and changes nothing, before the answer is sent and after', async (name, args, code) => {
    const round = await begin(({ res }) => res.end('x'));
    const late = Reflect.get(round.res, name);
    const codes: unknown[] = [];
    const note = (error: unknown): void => void codes.push(error instanceof Error && 'code' in error && error.code);
    Reflect.apply(late, round.res, [...args, note]);
    const got = await round.ask(round);
    Reflect.apply(late, round.res, [...args, note]);
    await nextLoopTurn();
    expect(got.body.toString()).toBe('x');
    expect(codes).toEqual([code, code]);
  });

  it('a write into a withdrawn answer is refused', async () => {
    const round = await begin(({ res }) => res.end('x'));
    const { write } = round.res;
    round.capture.discard();
    const told = new Promise((resolve) => Reflect.apply(write, round.res, ['late', resolve]));
    expect(await told).toBeInstanceOf(Error);
    round.res.end('other');
    expect((await round.ask(round)).body.toString()).toBe('other');
  });

  it('an error handler finds that it is too late', async () => {
    const round = await begin(({ res }) => {
      res.statusCode = 201;
      res.end('done');
      expect(res.headersSent).toBe(true);
      const tooLate = expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' });
      expect(() => res.writeHead(500)).toThrow(tooLate);
      expect(() => res.setHeader('X-A', '1')).toThrow(tooLate);
    });
    expect(await round.ask(round)).toMatchObject({ statusLine: 'HTTP/1.1 201 Created', body: Buffer.from('done') });
  });
});
