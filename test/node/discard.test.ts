// Discarding a held response, and ending the wait for one.
import { afterEach, describe, expect, it } from 'vitest';
import {
  type CapturedExchange,
  type CaptureServer,
  type CaptureSetup,
  startCaptureServer,
} from './support/capture-server.js';
import { parseResponse, requestText } from './support/raw-http.js';

let wire: CaptureServer;
const startWith = async (handler: (exchange: CapturedExchange) => unknown, setup?: CaptureSetup): Promise<void> => {
  wire = await startCaptureServer(handler, setup);
};
const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : error);

afterEach(() => wire.close());

describe('discard', () => {
  const busy = ({ res }: CapturedExchange): void => {
    res.removeHeader('Date');
    res.removeHeader('X-Outer');
    res.writeHead(201, 'Made', { 'X-A': '1', 'Content-Length': 100, Connection: 'close' });
    res.write('half of it');
  };
  const outside: CaptureSetup = { outside: [(_req, res, next) => next(void res.setHeader('X-Outer', 'o'))] };

  it('resets the response, so that another one can be sent', async () => {
    await startWith(busy, outside);
    const client = await wire.connect(requestText('POST', '1.1', []));
    const { res, capture } = await wire.nextExchange();
    expect(capture.discard()).toBe(true);
    expect(await capture.ended).toBeNull();
    expect(res).toMatchObject({ statusCode: 200, headersSent: false, sendDate: true });
    res.end('other');
    const text = await client.untilReceived((received) => received.endsWith('other'));
    expect(text).toMatch(
      /^HTTP\/1.1 200 OK\r\nX-Outer: o\r\nDate: [^\r]*\r\nConnection: keep-alive\r\nKeep-Alive: [^\r]*\r\nContent-Length: 5\r\n\r\nother$/,
    );
  });

  it('refuses what the handler still writes, so that nothing gets into the other response', async () => {
    let code: unknown;
    await startWith(busy);
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    const { write, end } = res;
    expect(capture.discard()).toBe(true);
    Reflect.apply(write, res, ['more', (error: unknown) => (code = codeOf(error))]);
    Reflect.apply(end, res, ['end']);
    res.end('other');
    await client.closed;
    expect(parseResponse(client.received()).body.toString()).toBe('other');
    expect(code).toBe('ERR_STREAM_DESTROYED');
  });

  it.each([
    ['writeHead', [500, { 'X-Late': '1' }]],
    ['flushHeaders', []],
    ['write', ['late']],
    ['end', []],
  ])('also disables a %s that the handler has kept, if nothing had been written yet', async (name, args) => {
    await startWith(() => {});
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    const kept = Reflect.get(res, name);
    capture.discard();
    Reflect.apply(kept, res, args);
    res.setHeader('X-Other', '1').end('other');
    await client.closed;
    expect(parseResponse(client.received())).toMatchObject({
      statusLine: 'HTTP/1.1 200 OK',
      headers: ['X-Other: 1'],
      body: Buffer.from('other'),
    });
  });

  it('works on a response that has ended, and only once', async () => {
    await startWith(({ res }) => res.end('x'));
    const client = await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    expect(await capture.ended).not.toBeNull();
    expect([capture.discard(), capture.discard()]).toEqual([true, false]);
    await capture.send();
    res.end('other');
    await client.closed;
    expect(parseResponse(client.received()).body.toString()).toBe('other');
  });
});

describe('endWithoutResponse', () => {
  it('ends the wait without a response, even if chunks were written', async () => {
    await startWith(({ res }) => res.write('a'));
    await wire.connect(requestText('POST'));
    const { res, capture } = await wire.nextExchange();
    capture.endWithoutResponse();
    res.end('too late');
    expect(await capture.ended).toBeNull();
  });

  it('changes nothing about a response that has ended', async () => {
    await startWith(({ res }) => res.end('x'));
    await wire.connect(requestText('POST'));
    const { capture } = await wire.nextExchange();
    capture.endWithoutResponse();
    expect(await capture.ended).toMatchObject({ size: 1 });
  });
});
