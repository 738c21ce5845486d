// Whether a request has a body, over HTTP/1 and HTTP/2, on real sockets.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
} from 'node:http2';
import { type AddressInfo, connect as connectSocket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { hasBody, whenBodyKnown } from '../../packages/core/src/node/request-body.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Responds with whether there is a body, and with what could be read of it afterwards. */
async function respond(req: IncomingMessage, res: ServerResponse): Promise<void> {
  await whenBodyKnown(req);
  const isBodyExpected = hasBody(req);
  res.end(JSON.stringify([isBodyExpected, await text(req)]));
}

async function overHttp1(headers: Record<string, string>, body: string): Promise<unknown> {
  const server = createServer((req, res) => void respond(req, res)).listen(0, '127.0.0.1');
  cleanUps.push(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return JSON.parse(await text(incoming));
}

type Write = (stream: ClientHttp2Stream) => void;

async function overHttp2(
  headers: Record<string, string>,
  write: Write,
  endStream = false,
  listener = respond,
): Promise<unknown> {
  const server = createHttp2Server((req, res) => {
    void listener(req as unknown as IncomingMessage, res as unknown as ServerResponse);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  cleanUps.push(
    () => server.close(),
    () => client.destroy(),
  );
  const stream = client.request({ ':method': 'POST', ...headers }, { endStream });
  write(stream);
  return JSON.parse(await text(stream));
}

describe('over HTTP/1 a request', () => {
  it.each([
    ['of a length', { 'content-length': '2' }, 'ab'],
    ['in chunks', { 'transfer-encoding': 'chunked' }, 'ab'],
    ['in chunks of which none came', { 'transfer-encoding': 'chunked' }, ''],
  ])('%s has a body', async (_, headers, body) => {
    expect(await overHttp1(headers, body)).toEqual([true, body]);
  });

  it.each([['of the length 0', { 'content-length': '0' }]])('%s has none', async (_, headers) => {
    expect(await overHttp1(headers, '')).toEqual([false, '']);
  });
});

describe('over HTTP/2 a request', () => {
  it.each<[string, Record<string, string>, Write]>([
    ['of a length', { 'content-length': '2' }, (stream) => stream.end('ab')],
    ['without a length', {}, (stream) => stream.end('ab')],
    [
      'without a length that comes later',
      {},
      (stream) =>
        void setImmediate(() => {
          stream.write('a');
          setImmediate(() => stream.end('b'));
        }),
    ],
  ])('%s has a body, which can still be read afterwards', async (_, headers, write) => {
    expect(await overHttp2(headers, write)).toEqual([true, 'ab']);
  });

  it('that ends with its headers has none', async () => {
    expect(await overHttp2({}, () => {}, true)).toEqual([false, '']);
  });

  it('of the length 0 has none', async () => {
    expect(await overHttp2({ 'content-length': '0' }, (stream) => stream.end())).toEqual([false, '']);
  });

  it('that ends with an empty frame after its headers has none', async () => {
    expect(await overHttp2({}, (stream) => stream.end())).toEqual([false, '']);
  });

  it('that has ended so before hasBody is called has none, too', async () => {
    const late = async (req: IncomingMessage, res: ServerResponse) => {
      // Waits for the frame that ends the stream.
      while (!(req as unknown as Http2ServerRequest).stream.state.remoteClose) await new Promise(setImmediate);
      await respond(req, res);
    };
    expect(await overHttp2({}, (stream) => stream.end(), false, late)).toEqual([false, '']);
    expect(await overHttp2({}, (stream) => stream.end('ab'), false, late)).toEqual([true, 'ab']);
  });

  it('whose client leaves before the first byte is not taken for one without a body', async () => {
    const server = createHttp2Server().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connectSocket((server.address() as AddressInfo).port, '127.0.0.1');
    const client = connect('http://127.0.0.1', { createConnection: () => socket }).on('error', () => {});
    cleanUps.push(() => server.close());
    client.request({ ':method': 'POST' }).on('error', () => {});
    const [req] = (await once(server, 'request')) as [IncomingMessage];
    const known = whenBodyKnown(req);
    socket.destroy();
    await known;
    expect(hasBody(req)).toBe(true);
  });
});
