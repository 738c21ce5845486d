// A client that leaves: the response is recorded all the same, and the retry gets it.
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { begin, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { counted, guarded, type Platform, platforms, startApp, versions } from './fastify-app.js';

type Respond = (reply: FastifyReply) => unknown;

const forms: Readonly<Record<string, Respond>> = {
  'a value that is returned': () => ({ paid: true }),
  'reply.send(), with the reply returned': (reply) => reply.send({ paid: true }),
  'reply.send() later, with the reply returned': (reply) => {
    setImmediate(() => void reply.send({ paid: true }));
    return reply;
  },
  'a stream': (reply) => reply.send(Readable.from(['{"paid"', ':true}'])),
  'a hijacked reply': (reply) => {
    reply.hijack();
    reply.raw.end('{"paid":true}');
  },
  'a stream that is piped into reply.raw': (reply) => {
    reply.hijack();
    Readable.from(['{"paid"', ':true}']).pipe(reply.raw);
  },
};

/** The client leaves while the handler runs, and the handler goes on once the server knows. The retry waits for its end. */
async function leaveAndRetry(platform: Platform, respond: (request: FastifyRequest, reply: FastifyReply) => unknown) {
  const [entered, serverKnows] = [newGate(), newGate()];
  const { handler, runs } = counted(async (request, reply) => {
    entered.open();
    await serverKnows.opened;
    return await respond(request, reply);
  });
  const { app, port } = await startApp({
    platform,
    options: { onInProgress: { waitMs: 30_000 } },
    routes: (routes) => routes.post('/pay', guarded, handler),
  });
  app.server.on('connection', (socket) => socket.once('close', () => setImmediate(serverKnows.open)));
  const client = begin(port, { key: 'k' });
  client.on('error', () => {});
  await entered.opened;
  client.destroy();
  const retry = await send(port, { key: 'k' });
  return { retry, runs };
}

describe.each(platforms)(
  'A response given on $name after its client has left is recorded, and the retry gets it',
  (platform) => {
    it.each(Object.entries(forms))('%s', async (_title, respond) => {
      const { retry, runs } = await leaveAndRetry(platform, (_request, reply) => respond(reply));
      expect([retry.status, retry.text, retry.headers['idempotent-replayed']]).toEqual([200, '{"paid":true}', 'true']);
      expect(runs()).toBe(1);
    });
  },
);

describe.each(versions)('A handler on $name', (platform) => {
  it('that returns its reply and sends it later does not have an empty response sent when its client leaves', async () => {
    const [entered, serverKnows, mayReply] = [newGate(), newGate(), newGate()];
    const { app, port } = await startApp({
      platform,
      options: { onInProgress: { waitMs: 30_000 } },
      routes: (routes) =>
        routes.post('/pay', guarded, async (_request, reply) => {
          entered.open();
          void mayReply.opened.then(() => reply.send({ paid: true }));
          return reply;
        }),
    });
    app.server.on('connection', (socket) => socket.once('close', () => setImmediate(serverKnows.open)));
    const client = begin(port, { key: 'k' });
    client.on('error', () => {});
    await entered.opened;
    client.destroy();
    await serverKnows.opened;
    mayReply.open();
    expect((await send(port, { key: 'k' })).text).toBe('{"paid":true}');
  });

  it('does not see that its client has left: not on the request, its socket, or the raw response', async () => {
    const noticed: string[] = [];
    const { retry } = await leaveAndRetry(platform, ({ raw, socket }, reply) => {
      if (raw.aborted) noticed.push('request.raw.aborted');
      if (socket.destroyed) noticed.push('request.socket.destroyed');
      if (reply.raw.destroyed) noticed.push('reply.raw.destroyed');
      return { noticed };
    });
    expect(retry.json()).toEqual({ noticed: [] });
  });
});

describe('request.signal of Fastify 5', () => {
  it('does not abort when the client leaves, so that a call that uses it is made once', async () => {
    let wasAborted: boolean | undefined;
    const signals: AbortSignal[] = [];
    const [entered, serverKnows] = [newGate(), newGate()];
    const { app, port } = await startApp({
      options: { onInProgress: { waitMs: 30_000 } },
      routes: (routes) =>
        routes.post('/pay', guarded, async (request) => {
          signals.push(request.signal);
          entered.open();
          await serverKnows.opened;
          wasAborted = request.signal.aborted;
          return { paid: true };
        }),
    });
    app.server.on('connection', (socket) => socket.once('close', () => setImmediate(serverKnows.open)));
    const client = begin(port, { key: 'k' });
    client.on('error', () => {});
    await entered.opened;
    client.destroy();
    expect((await send(port, { key: 'k' })).headers['idempotent-replayed']).toBe('true');
    expect([wasAborted, signals.length]).toEqual([false, 1]);
  });
});

describe.each(platforms)('A stream on $name', (platform) => {
  it('that is larger than maxOutcomeBytes flows with its end held back until the work is on record', async () => {
    const source = new PassThrough();
    const { port } = await startApp({
      platform,
      options: { maxOutcomeBytes: 1_000 },
      routes: (app) => app.post('/pay', guarded, async (_request, reply) => reply.send(source)),
    });
    source.write(Buffer.alloc(2_000, 'x'));
    const client = begin(port, { key: 'k' });
    const [incoming] = (await once(client, 'response')) as [IncomingMessage];
    const [first] = (await once(incoming, 'data')) as [Buffer];
    expect(first.length).toBeGreaterThan(0);
    source.end('the end');
    incoming.resume();
    await once(incoming, 'end');
    expect((await send(port, { key: 'k' })).json()).toMatchObject({ code: 'expired', originalStatus: 200 });
  });

  it('that never ends is destroyed when its client leaves, and the retry gets 410', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(65_536, 'x');
      })(),
    );
    const closed = once(endless, 'close');
    const { port } = await startApp({
      platform,
      options: { maxOutcomeBytes: 100_000, onInProgress: { waitMs: 30_000 } },
      routes: (app) => app.post('/pay', guarded, async (_request, reply) => reply.send(endless)),
    });
    const client = begin(port, { key: 'k' });
    const [incoming] = (await once(client, 'response')) as [IncomingMessage];
    await once(incoming, 'data');
    incoming.on('error', () => {});
    client.destroy();
    await closed;
    expect((await send(port, { key: 'k' })).status).toBe(410);
  });

  it('that waits for its source is destroyed when its client leaves', async () => {
    const source = new PassThrough();
    source.write(Buffer.alloc(2_000, 'x'));
    const closed = once(source, 'close');
    const { port } = await startApp({
      platform,
      options: { maxOutcomeBytes: 1_000 },
      routes: (app) => app.post('/pay', guarded, async (_request, reply) => reply.send(source)),
    });
    const client = begin(port, { key: 'k' });
    const [incoming] = (await once(client, 'response')) as [IncomingMessage];
    await once(incoming, 'data');
    incoming.on('error', () => {});
    client.destroy();
    await closed;
  });

  it('that breaks before it reaches maxOutcomeBytes becomes the reply of the error handler, and frees its key', async () => {
    let runs = 0;
    const { port } = await startApp({
      platform,
      routes: (app) => {
        app.setErrorHandler<Error>((error, _request, reply) => reply.code(500).send({ handled: error.message }));
        app.post('/pay', guarded, async (_request, reply) => {
          runs += 1;
          const first = async function* () {
            yield 'first';
            throw new Error('The source failed.');
          };
          return runs === 1 ? reply.send(Readable.from(first())) : { runs };
        });
      },
    });
    const first = await send(port, { key: 'k' });
    expect([first.status, first.json()]).toEqual([500, { handled: 'The source failed.' }]);
    expect((await send(port, { key: 'k' })).json()).toEqual({ runs: 2 });
  });

  it('that breaks after it has begun to flow is cut off, and frees its key', async () => {
    let runs = 0;
    const { port } = await startApp({
      platform,
      options: { maxOutcomeBytes: 1_000 },
      routes: (app) =>
        app.post('/pay', guarded, async (_request, reply) => {
          runs += 1;
          const large = async function* () {
            yield Buffer.alloc(2_000, 'x');
            throw new Error('The source failed.');
          };
          return runs === 1 ? reply.send(Readable.from(large())) : { runs };
        }),
    });
    await expect(send(port, { key: 'k' })).rejects.toThrow();
    expect((await send(port, { key: 'k' })).json()).toEqual({ runs: 2 });
  });
});
