// HTTP/2 over TLS, on a server that also accepts HTTP/1.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createSecureServer } from 'node:http2';
import { request as secureRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { MemoryStore } from '@onceguard/core';
import express4 from 'express4';
import wrap4 from 'http2-express-bridge';
import { afterEach, describe, expect, it } from 'vitest';
import type { Listener } from '../../packages/testing/src/adapter-suite/framework.js';
import { expressAndKoaOverHttp2 } from '../adapters/express-and-koa.js';
import { expressMiddleware } from '../adapters/registrations/express.js';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('A secure server that allows HTTP/1', () => {
  it.each(expressAndKoaOverHttp2)('responds and replays over both ($name)', async (framework) => {
    const store = new MemoryStore();
    const port = await startSecure(framework.listener({ store, handler: () => ({ status: 201, body: 'paid' }) }));
    expect(await overTls(port)).toEqual([201, 'paid', undefined]);
    const headers = { 'idempotency-key': 'k', 'content-length': '0' };
    const sent = { host: '127.0.0.1', port, path: '/pay', method: 'POST', agent: false, headers };
    const outgoing = secureRequest({ ...clientTls, ...sent }).end();
    const [replay] = (await once(outgoing, 'response')) as [IncomingMessage];
    expect([replay.httpVersion, replay.statusCode, replay.headers['idempotent-replayed']]).toEqual([
      '1.1',
      201,
      'true',
    ]);
    expect(await text(replay)).toBe('paid');
  });

  it('responds and replays for Express 4 behind http2-express-bridge', async () => {
    let runs = 0;
    const application = Object.defineProperties({}, Object.getOwnPropertyDescriptors(express4.application));
    const app = wrap4({ ...express4, application } as never);
    app.use(expressMiddleware(new MemoryStore()) as never);
    app.post('/pay', (_req, res) => {
      runs += 1;
      res.status(201).json({ runs });
    });
    const port = await startSecure(app as unknown as Listener);
    expect(await overTls(port)).toEqual([201, '{"runs":1}', undefined]);
    expect(await overTls(port)).toEqual([201, '{"runs":1}', 'true']);
  });
});

/** TLS with a pre-shared key needs no certificate. */
const tls = { ciphers: 'PSK+HIGH', maxVersion: 'TLSv1.2' } as const;
const psk = Buffer.from('a key for tests alone');
const clientTls = {
  ...tls,
  pskCallback: () => ({ psk, identity: 'test' }),
  checkServerIdentity: () => undefined,
  rejectUnauthorized: false,
};

async function startSecure(listener: Listener): Promise<number> {
  const server = createSecureServer({ ...tls, allowHTTP1: true, pskCallback: () => psk }, (req, res) => {
    void listener(req as unknown as IncomingMessage, res as unknown as ServerResponse);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanUps.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** Status, text and Idempotent-Replayed header of the response to a request over HTTP/2. */
async function overTls(port: number): Promise<unknown[]> {
  const client = connect(`https://127.0.0.1:${port}`, clientTls);
  cleanUps.push(() => client.destroy());
  const stream = client.request({ ':method': 'POST', ':path': '/pay', 'idempotency-key': 'k' }).end();
  const [head] = await once(stream, 'response');
  return [head[':status'], await text(stream), head['idempotent-replayed']];
}
