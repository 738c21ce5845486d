// sendResponse, which sends replays and refusals.
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { OutgoingResponse } from '../../packages/core/src/http/index.js';
import { captureResponse, sendResponse } from '../../packages/core/src/node/index.js';
import { sendWhenEnded, startCaptureServer } from './support/capture-server.js';
import { listen, type RawServer, requestText } from './support/raw-http.js';

let wire: RawServer;
afterEach(() => wire.close());

async function get(
  response: Partial<OutgoingResponse>,
  text = requestText('POST'),
  prepare = (_res: ServerResponse): void => {},
) {
  const errors: Error[] = [];
  wire = await listen((_req, res) => {
    prepare(res);
    void sendResponse(
      res,
      { status: 200, headers: [], trailers: [], body: Buffer.from('body'), ...response },
      (error) => errors.push(error),
    );
  });
  const client = await wire.connect(text);
  await client.closed;
  return {
    text: client
      .received()
      .toString('latin1')
      .replace(/Date: .*\r\n/, ''),
    errors,
  };
}

describe('A response of the middleware', () => {
  it('is sent with its own status, reason, headers, bytes and length', async () => {
    const headers = [
      ['X-A', ['1', '2']],
      ['content-type', 'a/b'],
    ] as const;
    expect((await get({ status: 201, reason: 'Taken', headers, body: Buffer.from([0, 255]) })).text).toBe(
      'HTTP/1.1 201 Taken\r\nX-A: 1\r\nX-A: 2\r\ncontent-type: a/b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n\x00\xff',
    );
  });

  it.each([
    ['the usual reason where none is given', { status: 409 }, /^HTTP\/1.1 409 Conflict\r\n/],
    ['an empty reason where that was given', { reason: '' }, /^HTTP\/1.1 200 \r\n.*\r\n\r\nbody$/s],
    ['no body with 204', { status: 204 }, /^HTTP\/1.1 204 No Content\r\nConnection: close\r\n\r\n$/],
    ['no body with 304', { status: 304 }, /^HTTP\/1.1 304 Not Modified\r\nConnection: close\r\n\r\n$/],
    ['an empty body', { body: Buffer.alloc(0) }, /Content-Length: 0\r\nConnection: close\r\n\r\n$/],
    [
      'its own framing, whatever was recorded',
      {
        headers: [
          ['content-length', '99'],
          ['transfer-encoding', 'chunked'],
        ],
      },
      /\r\nContent-Length: 4\r\n.*\r\n\r\nbody$/s,
    ],
    ['trailers', { trailers: [['X-Sum', '1']] }, /\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n$/],
  ] satisfies [string, Partial<OutgoingResponse>, RegExp][])('has %s', async (_what, response, expected) => {
    expect((await get(response)).text).toMatch(expected);
  });

  it('to HEAD has no body, and to HTTP/1.0 no trailers', async () => {
    expect((await get({}, requestText('HEAD'))).text).toMatch(/\r\n\r\n$/);
    await wire.close();
    const trailers = [['X-Sum', '1']] as const;
    expect((await get({ trailers }, requestText('POST', '1.0', []))).text).toMatch(
      /Content-Length: 4\r\n.*\r\n\r\nbody$/s,
    );
  });

  it('adds its headers to those of outer middleware', async () => {
    const sent = await get({ headers: [['X-B', 'new']] }, undefined, (res) =>
      res.setHeader('X-A', '1').setHeader('x-b', 'old'),
    );
    expect(sent.text).toMatch(/X-A: 1\r\nX-B: new\r\n/);
  });

  it('that Node refuses ends the connection and is reported', async () => {
    const sent = await get({ headers: [['bad name', '1']] });
    expect(sent).toMatchObject({ text: '', errors: [{ code: 'ERR_INVALID_HTTP_TOKEN' }] });
  });
});

it('A capture around a capture works: each sends through the other', async () => {
  const order: string[] = [];
  wire = await startCaptureServer(
    (exchange) => {
      void sendWhenEnded(exchange).then(() => order.push('inner sent'));
      exchange.res.writeHead(201, { 'X-A': '1' }).end('x');
    },
    {
      outside: [
        (req, res, next) => {
          const outer = captureResponse(req, res, { maxOutcomeBytes: 1000 });
          void outer.ended.then(async (response) => {
            order.push(`outer ended ${response?.status} ${response?.body?.toBuffer()}`);
            await outer.send();
          });
          next();
        },
      ],
    },
  );
  expect(await wire.exchange(requestText('POST'))).toMatchObject({
    statusLine: 'HTTP/1.1 201 Created',
    headers: ['X-A: 1'],
    body: Buffer.from('x'),
  });
  expect(order).toEqual(['outer ended 201 x', 'inner sent']);
});
