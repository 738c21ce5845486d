// Hooks around a guarded route: they act once on a response, and a request that one of them refuses never touches the store.
import { FaultStore } from '@onceguard/testing';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { counted, guarded, newStore, startApp, versions } from './fastify-app.js';

type OnSend = (request: FastifyRequest, reply: FastifyReply, payload: unknown) => Promise<unknown>;

const paid = async (_request: FastifyRequest, reply: FastifyReply) => {
  reply.code(201).header('X-Made', 'here').header('X-Layer', 'inside');
  return { paid: true };
};

const textOf = (payload: unknown): string => {
  if (typeof payload !== 'string') throw new Error('The payload is no text.');
  return payload;
};

/** Typical hooks. Each makes a change that shows if it is made twice. */
const hooks: Readonly<Record<string, OnSend>> = {
  'an envelope': async (_request, _reply, payload) => `{"data":${textOf(payload)}}`,
  'a hook that needs a member of the body': async (_request, _reply, payload) => {
    const { paid } = JSON.parse(textOf(payload)) as { paid: boolean };
    return JSON.stringify({ wasPaid: paid });
  },
  'a status of its own': async (_request, reply) => void reply.code(reply.statusCode === 201 ? 202 : 203),
  'a header that it appends to': async (_request, reply) =>
    void reply.header('X-Layer', [reply.getHeader('X-Layer'), 'outside'].flat().map(String)),
  'a Buffer in place of the text': async (_request, _reply, payload) => Buffer.from(`<${textOf(payload)}>`),
};

describe.each(versions)('An onSend hook of the application, on $name', (platform) => {
  it.each(Object.keys(hooks))('%s: acts on the first response, and not again on its replay', async (name) => {
    const { handler, runs } = counted(paid);
    const { port } = await startApp({
      platform,
      outside: (app) => app.addHook('onSend', hooks[name] as OnSend),
      routes: (app) => {
        app.setErrorHandler((_error, _request, reply) => reply.code(500).send('handled'));
        app.post('/pay', guarded, handler);
      },
    });
    const plain = await send(port);
    const first = await send(port, { key: 'k' });
    expect([first.status, first.text, first.headers['x-layer']]).toEqual([
      plain.status,
      plain.text,
      plain.headers['x-layer'],
    ]);
    expectReplay(await send(port, { key: 'k' }), first);
    expectReplay(await send(port, { key: 'k' }), first);
    expect(runs()).toBe(2);
  });

  it('of the route acts on the recorded response each time, so once on what each client gets', async () => {
    const { port } = await startApp({
      platform,
      routes: (app) => app.post('/pay', { ...guarded, onSend: hooks['an envelope'] as OnSend }, paid),
    });
    const first = await send(port, { key: 'k' });
    expect(first.text).toBe('{"data":{"paid":true}}');
    expectReplay(await send(port, { key: 'k' }), first);
  });

  it('acts on refusals as on any response', async () => {
    const { port } = await startApp({
      platform,
      outside: (app) => app.addHook('onSend', hooks['an envelope'] as OnSend),
      routes: (app) => app.post('/pay', guarded, paid),
    });
    await send(port, { key: 'k' });
    const refusal = await send(port, { key: 'k', body: { amount: 11 } });
    expect([refusal.status, refusal.headers['content-type']]).toEqual([422, 'application/problem+json']);
    expect(refusal.json()).toEqual({ data: expect.objectContaining({ code: 'key_reused' }) });
  });

  it('sets its headers live, such as a response time and a cookie', async () => {
    let requests = 0;
    const { port } = await startApp({
      platform,
      outside: (app) =>
        app.addHook('onSend', async (_request, reply) => {
          requests += 1;
          reply.header('X-Request-Number', String(requests)).header('Set-Cookie', `seen=${requests}`);
          reply.removeHeader('X-Made');
        }),
      routes: (app) => app.post('/pay', guarded, paid),
    });
    const responses = [await send(port, { key: 'k' }), await send(port, { key: 'k' }), await send(port, { key: 'k' })];
    expect(responses.map(({ headers }) => headers['x-request-number'])).toEqual(['1', '2', '3']);
    expect(responses.map(({ headers }) => headers['set-cookie'])).toEqual([['seen=1'], ['seen=2'], ['seen=3']]);
    expect(responses.map(({ headers }) => headers['x-made'])).toEqual([undefined, undefined, undefined]);
    expect(new Set(responses.map(({ text }) => text)).size).toBe(1);
  });

  it('responds to a conditional request with 304, by the recorded ETag', async () => {
    const { port } = await startApp({
      platform,
      outside: (app) =>
        app.addHook('onSend', async (request, reply, payload) => {
          const etag = reply.getHeader('ETag') ?? `"${String(payload).length}"`;
          reply.header('ETag', etag);
          if (request.headers['if-none-match'] !== etag) return payload;
          reply.code(304);
          return '';
        }),
      routes: (app) => app.post('/pay', guarded, paid),
    });
    const first = await send(port, { key: 'k' });
    expectReplay(await send(port, { key: 'k' }), first);
    const unchanged = await send(port, { key: 'k', headers: { 'if-none-match': String(first.headers.etag) } });
    expect([unchanged.status, unchanged.text, unchanged.headers.etag]).toEqual([304, '', first.headers.etag]);
  });

  it('that fails on a replay does not keep the recorded response from its client', async () => {
    let requests = 0;
    const handled: unknown[] = [];
    const { port } = await startApp({
      platform,
      outside: (app) =>
        app.addHook('onSend', async () => {
          requests += 1;
          if (requests === 2) throw new Error('The hook failed.');
        }),
      routes: (app) => {
        app.setErrorHandler((error, _request, reply) => {
          handled.push(error);
          reply.code(500).send('handled');
        });
        app.post('/pay', guarded, paid);
      },
    });
    const first = await send(port, { key: 'k' });
    expectReplay(await send(port, { key: 'k' }), first);
    expect(handled).toEqual([expect.objectContaining({ message: 'The hook failed.' })]);
  });
});

const unauthorized = () => Object.assign(new Error('Who are you?'), { statusCode: 401 });

/** What keeps a request from a handler, by Fastify's phases. The requests have the body `{"amount":10}`. */
const refusals: Readonly<Record<string, { status: number; mount(app: FastifyInstance): unknown; route?: object }>> = {
  'an onRequest hook that fails': {
    status: 401,
    mount: (app) => app.addHook('onRequest', async () => Promise.reject(unauthorized())),
  },
  'a preHandler hook of the application that replies': {
    status: 403,
    mount: (app) => app.addHook('preHandler', async (_request, reply) => reply.code(403).send('No.')),
  },
  'a preHandler hook of the route that fails': {
    status: 401,
    mount: () => {},
    route: { preHandler: async () => Promise.reject(unauthorized()) },
  },
  'a preHandler hook that a later plugin adds to the route': {
    status: 401,
    mount: (app) =>
      app.addHook('onRoute', (route) => {
        route.preHandler = [async () => Promise.reject(unauthorized())];
      }),
  },
  'a schema that the body does not fit': {
    status: 400,
    mount: () => {},
    route: { schema: { body: { type: 'object', required: ['currency'] } } },
  },
  'a body limit': { status: 413, mount: () => {}, route: { bodyLimit: 2 } },
};

describe.each(versions)('A request that is refused before its handler, on $name', (platform) => {
  it.each(Object.entries(refusals))(
    'by %s: never touches the store, and is never replayed',
    async (_title, refusal) => {
      const store = new FaultStore(newStore());
      const { handler, runs } = counted(paid);
      const { port } = await startApp({
        platform,
        options: { store },
        routes: async (app) => {
          await refusal.mount(app);
          app.post('/pay', { ...guarded, ...refusal.route }, handler);
        },
      });
      const responses = [await send(port, { key: 'k' }), await send(port, { key: 'k' })];
      expect(responses.map(({ status, headers }) => [status, headers['idempotent-replayed']])).toEqual(
        Array(2).fill([refusal.status, undefined]),
      );
      expect([runs(), store.calls]).toEqual([0, []]);
    },
  );
});

describe.each(versions)('A replay on $name', (platform) => {
  it('runs the hooks of its request, so that nobody gets a response that authentication refuses', async () => {
    let isSignedIn = true;
    const { port } = await startApp({
      platform,
      routes: (app) => {
        const authenticate = async () => {
          if (!isSignedIn) throw unauthorized();
        };
        app.post('/pay', { ...guarded, preHandler: authenticate }, paid);
      },
    });
    const first = await send(port, { key: 'k' });
    expectReplay(await send(port, { key: 'k' }), first);
    isSignedIn = false;
    expect((await send(port, { key: 'k' })).status).toBe(401);
  });

  it('runs the onResponse hooks of the application, for its log', async () => {
    const logged: number[] = [];
    const { port } = await startApp({
      platform,
      outside: (app) => app.addHook('onResponse', async (_request, reply) => void logged.push(reply.statusCode)),
      routes: (app) => app.post('/pay', guarded, paid),
    });
    await send(port, { key: 'k' });
    await send(port, { key: 'k' });
    await expect.poll(() => logged).toEqual([201, 201]);
  });
});
