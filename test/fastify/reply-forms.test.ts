// Every way of replying on Fastify: the client of the first request gets what it would get without a key, and a repeat gets it again.
import { createReadStream, readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { RouteHandlerMethod } from 'fastify';
import { describe, expect, it } from 'vitest';
import { comparableResponse, expectReplay } from '../../packages/testing/src/adapter-suite/support/expect-replay.js';
import { type ReceivedResponse, send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { counted, type Platform, platforms, startApp, versions } from './fastify-app.js';

const path = fileURLToPath(import.meta.url);

interface Form {
  readonly handler: RouteHandlerMethod;
  readonly schema?: object;
  /** What the client reads, for a check beside the comparison. */
  readonly text: string;
}

const declined = () => Object.assign(new Error('declined'), { statusCode: 402 });

const forms: Readonly<Record<string, Form>> = {
  'an object, by its schema': {
    handler: async (_request, reply) => {
      reply.code(201).header('X-Made', 'here');
      return { id: 1, secret: 'dropped' };
    },
    schema: { response: { 201: { type: 'object', properties: { id: { type: 'number' } } } } },
    text: '{"id":1}',
  },
  'a text': { handler: async () => 'paid', text: 'paid' },
  'a Buffer': { handler: async () => Buffer.from('paid'), text: 'paid' },
  null: { handler: async (_request, reply) => reply.send(null), text: 'null' },
  '204 without a payload': { handler: async (_request, reply) => reply.code(204).send(), text: '' },
  '204 with a payload, which is not sent': {
    handler: async (_request, reply) => reply.code(204).send({ a: 1 }),
    text: '',
  },
  'a value that is returned without a promise': { handler: () => ({ paid: true }), text: '{"paid":true}' },
  'reply.send() in a callback': {
    handler: (_request, reply) => void setImmediate(() => void reply.send({ later: true })),
    text: '{"later":true}',
  },
  'reply.send() in a callback, with the reply returned': {
    handler: async (_request, reply) => {
      setImmediate(() => void reply.send({ later: true }));
      return reply;
    },
    text: '{"later":true}',
  },
  'a stream': {
    handler: async (_request, reply) => reply.type('text/plain').send(Readable.from(['pa', 'id'])),
    text: 'paid',
  },
  'a file': {
    handler: async (_request, reply) => reply.send(createReadStream(path)),
    text: readFileSync(path, 'utf8'),
  },
  'a web stream': { handler: async (_request, reply) => reply.send(new Blob(['paid']).stream()), text: 'paid' },
  'a web Response': {
    handler: async () => new Response('paid', { status: 202, headers: { 'X-Made': 'here' } }),
    text: 'paid',
  },
  'a web Response without a body': { handler: async () => new Response(null, { status: 202 }), text: '' },
  'a redirect': {
    handler: async (_request, reply) => reply.code(303).header('Location', '/receipts/7').send(),
    text: '',
  },
  'an error that is thrown': {
    handler: () => {
      throw declined();
    },
    text: '{"handled":"declined"}',
  },
  'an error that the handler rejects with': {
    handler: () => Promise.reject(declined()),
    text: '{"handled":"declined"}',
  },
  'an error that is sent': {
    handler: async (_request, reply) => reply.send(declined()),
    text: '{"handled":"declined"}',
  },
  'a hijacked reply': {
    handler: async (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(201, { 'X-Made': 'here' }).end('paid');
    },
    text: 'paid',
  },
  'a hijacked reply that is written later, in pieces': {
    handler: (_request, reply) => {
      reply.hijack();
      setImmediate(() => {
        reply.raw.write('pa');
        setImmediate(() => reply.raw.end('id'));
      });
    },
    text: 'paid',
  },
  'a hijacked reply into which a stream is piped': {
    handler: async (_request, reply) => {
      reply.hijack();
      Readable.from(['pa', 'id']).pipe(reply.raw);
    },
    text: 'paid',
  },
  'reply.raw without a hijack': {
    handler: async (_request, reply) => {
      reply.raw.writeHead(201).end('paid');
    },
    text: 'paid',
  },
  'an event stream': {
    handler: async (_request, reply) =>
      reply.type('text/event-stream').send(Readable.from(['data: 1\n\n', 'data: 2\n\n'])),
    text: 'data: 1\n\ndata: 2\n\n',
  },
  'a text with a trailer': {
    handler: async (_request, reply) => reply.trailer('X-Checksum', async () => 'abc').send('paid'),
    text: 'paid',
  },
};

async function startWithForm(platform: Platform, { handler, schema }: Form) {
  const { handler: counting, runs } = counted(handler);
  const started = await startApp({
    platform,
    routes: (app) => {
      app.setErrorHandler<Error & { statusCode?: number }>((error, _request, reply) =>
        reply.code(error.statusCode ?? 500).send({ handled: error.message }),
      );
      const config = { idempotency: true };
      app.post('/pay', { config, ...(schema === undefined ? {} : { schema }) }, counting);
    },
  });
  return { ...started, runs };
}

/** The bytes and the head as the client compares them. A record has no cookies. */
const withoutDate = (received: ReceivedResponse) => comparableResponse(received);

describe.each(platforms)('A response by $name is sent as without a key, and replayed', (platform) => {
  it.each(Object.entries(forms))('%s', async (_title, form) => {
    const { port, runs } = await startWithForm(platform, form);
    const plain = await send(port);
    const first = await send(port, { key: 'payment-1' });
    expect(plain.text).toBe(form.text);
    expect(withoutDate(first)).toEqual(withoutDate(plain));
    expectReplay(await send(port, { key: 'payment-1' }), first);
    expectReplay(await send(port, { key: 'payment-1' }), first);
    expect(runs()).toBe(2);
  });
});

describe.each(versions)('By app.inject() on $name, a response is recorded and replayed', (platform) => {
  it.each(Object.entries(forms))('%s', async (_title, form) => {
    const { app, runs } = await startWithForm(platform, form);
    const inject = async () =>
      await app.inject({ method: 'POST', url: '/pay', payload: { amount: 10 }, headers: { 'idempotency-key': 'k' } });
    const [first, replay] = [await inject(), await inject()];
    expect(first.body).toBe(form.text);
    expect([replay.statusCode, replay.body, replay.headers['content-type']]).toEqual([
      first.statusCode,
      first.body,
      first.headers['content-type'],
    ]);
    expect([first.headers['idempotent-replayed'], replay.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect(runs()).toBe(1);
  });
});

describe.each(platforms)('The context on $name', (platform) => {
  it('is request.idempotency, which is undefined without a key', async () => {
    const { port } = await startApp({
      platform,
      routes: (app) =>
        app.post('/pay', { config: { idempotency: true } }, async ({ idempotency }) => ({
          key: idempotency?.key ?? null,
        })),
    });
    expect((await send(port, { key: 'payment-1' })).json()).toEqual({ key: 'payment-1' });
    expect((await send(port)).json()).toEqual({ key: null });
  });

  it('is what steps are recorded under, so that a retry does not repeat them', async () => {
    const charges: string[] = [];
    const { port } = await startApp({
      platform,
      routes: (app) =>
        app.post('/pay', { config: { idempotency: true } }, async ({ idempotency }) => {
          const charged = await idempotency?.step('charge', () => `charge ${charges.push('charge')}`);
          if (idempotency?.attempt === 1) throw new Error('The process failed after the charge.');
          return { charged };
        }),
    });
    expect((await send(port, { key: 'payment-1' })).status).toBe(500);
    expect((await send(port, { key: 'payment-1' })).json()).toEqual({ charged: 'charge 1' });
    expect(charges).toEqual(['charge']);
  });
});
