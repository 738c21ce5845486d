// A time-out that replies while the handler works: no retry runs beside it, and the key is free once it has stopped.
// The requests have no body, because the handlerTimeout of Fastify ends when the body of a request has been read.
import { drainStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { describe, expect, it } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { guarded, type Platform, startApp, versions } from './fastify-app.js';

type Mount = (app: FastifyInstance, whileHandlerWorks: () => Promise<void>) => object;

/** What replies with 503 or 408 while the handler of the first attempt works. */
const timeouts: Readonly<Record<string, { status: number; only5?: boolean; mount: Mount }>> = {
  'the handlerTimeout of Fastify 5': { status: 503, only5: true, mount: () => ({ handlerTimeout: 30 }) },
  'a hook that sends a reply later': {
    status: 408,
    mount: (app, works) => {
      app.addHook('onRequest', async (_request, reply: FastifyReply) => {
        void works().then(() => reply.code(408).send({ error: 'Time is up.' }));
      });
      return {};
    },
  },
};

async function timeOut(platform: Platform, mount: Mount, options = {}) {
  const [began, mayEnd] = [newGate(), newGate()];
  let mayTimeOut = true;
  let runs = 0;
  const whileHandlerWorks = async () => {
    const isFirst = mayTimeOut;
    mayTimeOut = false;
    await (isFirst ? began.opened : newGate().opened);
  };
  const started = await startApp({
    platform,
    options,
    routes: (app) => {
      const route = mount(app, whileHandlerWorks);
      app.post('/pay', { ...guarded, ...route }, async (_request, reply) => {
        runs += 1;
        const run = runs;
        began.open();
        if (run === 1) await mayEnd.opened;
        // The rest of a handler that goes on after a time-out must find its reply sent.
        if (reply.sent) return reply;
        return { run };
      });
    },
  });
  const first = await send(started.port, { method: 'POST', key: 'k' });
  return { ...started, first, finish: mayEnd.open, runs: () => runs };
}

for (const platform of versions) {
  const cases = Object.entries(timeouts).filter(([, { only5 }]) => only5 !== true || platform.name === 'Fastify 5');

  describe.each(cases)(`%s, on ${platform.name}`, (_title, { status, mount }) => {
    it('keeps the key until the handler has stopped', async () => {
      const { port, store, first, finish, runs } = await timeOut(platform, mount);
      expect(first.status).toBe(status);
      const during = await send(port, { method: 'POST', key: 'k' });
      expect([during.status, during.json().code, runs()]).toEqual([409, 'in_progress', 1]);
      finish();
      await drainStore(store);
      expect((await send(port, { method: 'POST', key: 'k' })).text).toBe('{"run":2}');
    });

    it('leaves the outcome unknown under the payment policy', async () => {
      const { port, store, first, finish, runs } = await timeOut(platform, mount, httpPaymentPolicy);
      expect(first.status).toBe(status);
      finish();
      await drainStore(store);
      expect((await send(port, { method: 'POST', key: 'k' })).json().code).toBe('outcome_unknown');
      expect(runs()).toBe(1);
    });
  });

  describe(`A handler on ${platform.name} that returns its reply`, () => {
    it('counts as stopped: its failure frees the key before the client has it', async () => {
      let runs = 0;
      const { port } = await startApp({
        platform,
        routes: (app) =>
          app.post('/pay', guarded, async (_request, reply) => {
            runs += 1;
            reply.code(runs === 1 ? 500 : 201).send({ runs });
            return reply;
          }),
      });
      expect((await send(port, { key: 'k' })).status).toBe(500);
      expect((await send(port, { key: 'k' })).text).toBe('{"runs":2}');
    });

    it('and refuses with 401 releases its key for another payload', async () => {
      let isSignedIn = false;
      const { port } = await startApp({
        platform,
        routes: (app) =>
          app.post('/pay', guarded, async (_request, reply) => {
            await reply.code(isSignedIn ? 201 : 401).send({});
            return reply;
          }),
      });
      expect((await send(port, { key: 'k' })).status).toBe(401);
      isSignedIn = true;
      expect((await send(port, { key: 'k', body: { amount: 11 } })).status).toBe(201);
    });
  });
}

describe('A request on Fastify 5 whose handlerTimeout passes before its handler begins', () => {
  it('gets the time-out, its handler does not run, and its key is free', async () => {
    const [began, mayEnd] = [newGate(), newGate()];
    let runs = 0;
    const { port } = await startApp({
      options: { onInProgress: { waitMs: 30_000 } },
      routes: (app) => {
        const handler = async () => {
          runs += 1;
          began.open();
          if (runs === 1) {
            await mayEnd.opened;
            throw new Error('It failed.');
          }
          return { runs };
        };
        app.post('/pay', { ...guarded, constraints: { version: '1.0.0' } }, handler);
        app.post('/pay', { ...guarded, constraints: { version: '2.0.0' }, handlerTimeout: 30 }, handler);
      },
    });
    const version = (accepted: string) => ({ method: 'POST', key: 'k', headers: { 'accept-version': accepted } });
    const first = send(port, version('1.0.0'));
    await began.opened;
    expect((await send(port, version('2.0.0'))).status).toBe(503);
    mayEnd.open();
    expect((await first).status).toBe(500);
    expect((await send(port, version('1.0.0'))).text).toBe('{"runs":2}');
  });
});
