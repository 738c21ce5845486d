// Wrong mounts are errors that name the remedy; none leaves a route without protection that asks for it.
import { ConfigurationError, IdempotencyError } from '@onceguard/core';
import { idempotency, idempotencyOf } from '@onceguard/fastify';
import { FaultStore } from '@onceguard/testing';
import { describe, expect, it } from 'vitest';
import { counted, guarded, newStore, startApp, versions } from './fastify-app.js';

const keyed = { method: 'POST', url: '/pay', headers: { 'idempotency-key': 'k' } } as const;

describe.each(versions)('On $name', (platform) => {
  it('a route without config.idempotency is not guarded, and one with `false` neither', async () => {
    const store = new FaultStore(newStore());
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      platform,
      options: { store },
      routes: (routes) => {
        routes.post('/pay', handler);
        routes.post('/order', { config: { idempotency: false } }, handler);
      },
    });
    for (const url of ['/pay', '/pay', '/order', '/order']) await app.inject({ ...keyed, url });
    expect([runs(), store.calls]).toEqual([4, []]);
  });

  it('config.idempotency replaces options of the plugin for its route alone', async () => {
    const { app } = await startApp({
      platform,
      routes: (routes) => {
        routes.post('/pay', { config: { idempotency: { required: true } } }, async () => ({}));
        routes.post('/order', guarded, async () => ({}));
      },
    });
    const refused = await app.inject({ method: 'POST', url: '/pay' });
    expect([refused.statusCode, refused.json().code]).toEqual([400, 'key_missing']);
    expect((await app.inject({ method: 'POST', url: '/order' })).statusCode).toBe(200);
  });

  it.each([
    ['an invalid option', { leaseMs: 0.5 }, 'leaseMs is 0.5'],
    ['a text', 'yes', 'config.idempotency of /pay is yes. It must be true, false, or an object'],
    ['null', null, undefined],
  ])(
    'config.idempotency that is %s fails where the route is defined, unless it means nothing',
    async (_, chosen, problem) => {
      const app = platform.create();
      await app.register(idempotency, { store: newStore(), scope: 'public' });
      const define = () => app.post('/pay', { config: { idempotency: chosen as never } }, async () => ({}));
      if (problem === undefined) expect(define).not.toThrow();
      else
        expect(define).toThrow(
          expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(problem) }),
        );
      await app.close();
    },
  );

  it.each([
    ['no store', { scope: 'public' }, 'store is missing'],
    ['no scope', { store: newStore() }, 'scope is missing'],
    ['an option that does not exist', { store: newStore(), scope: 'public', leaseSeconds: 30 }, 'leaseSeconds'],
  ])('the plugin with %s rejects with a ConfigurationError', async (_title, options, problem) => {
    const app = platform.create();
    const registered = Promise.resolve(app.register(idempotency, options as never));
    await expect(registered).rejects.toThrow(ConfigurationError);
    await expect(registered).rejects.toThrow(problem);
  });

  it('a plugin that is registered twice in one context, or below it, is refused', async () => {
    const twice = platform.create();
    await twice.register(idempotency, { store: newStore(), scope: 'public' });
    const again = Promise.resolve(twice.register(idempotency, { store: newStore(), scope: 'public' }));
    await expect(again).rejects.toMatchObject({
      code: 'option_invalid',
      message: expect.stringContaining('registered twice'),
    });

    const below = platform.create();
    await below.register(idempotency, { store: newStore(), scope: 'public' });
    const inner = Promise.resolve(
      below.register(async (child) => await child.register(idempotency, { store: newStore(), scope: 'public' })),
    );
    await expect(inner).rejects.toThrow('config.idempotency');
  });

  it('contexts beside each other each have a store of their own', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const app = platform.create();
    for (const prefix of ['/a', '/b']) {
      const context = async (child: typeof app) => {
        await child.register(idempotency, { store: newStore(), scope: 'public' });
        child.post('/pay', guarded, handler);
      };
      await app.register(context, { prefix });
    }
    for (const url of ['/a/pay', '/a/pay', '/b/pay', '/b/pay']) await app.inject({ ...keyed, url });
    expect(runs()).toBe(2);
    await app.close();
  });

  it('a route below the context of the plugin is guarded, with a prefix and in a plugin of its own', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      platform,
      routes: async (root) => {
        const orders = async (child: typeof root) => void child.post('/', guarded, handler);
        await root.register(orders, { prefix: '/orders' });
      },
    });
    for (const url of ['/orders', '/orders', '/orders/']) await app.inject({ ...keyed, url });
    // The path with the slash is another resource.
    expect(runs()).toBe(2);
  });

  it.each([
    ['before the plugin', true],
    ['after a register() that nobody awaited', false],
  ])('a guarded route that was defined %s fails with the remedy, and does not run', async (_title, isBefore) => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const errors: unknown[] = [];
    const app = platform.create();
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      reply.code(500).send('handled');
    });
    if (isBefore) app.post('/pay', guarded, handler);
    void app.register(idempotency, { store: newStore(), scope: 'public' });
    if (!isBefore) app.post('/pay', guarded, handler);
    app.get('/health', async () => 'well');
    const response = await app.inject(keyed);
    expect([response.statusCode, response.body, runs()]).toEqual([500, 'handled', 0]);
    expect(errors).toEqual([
      expect.objectContaining({
        code: 'option_invalid',
        message: expect.stringContaining('await app.register(idempotency'),
      }),
    ]);
    expect((await app.inject('/health')).body).toBe('well');
    await app.close();
  });

  it('a plugin after which routes are defined works beside routes that were there before', async () => {
    const { handler, runs } = counted(async () => ({ paid: true }));
    const { app } = await startApp({
      platform,
      outside: (before) => before.get('/health', async () => 'well'),
      routes: (routes) => routes.post('/pay', guarded, handler),
    });
    await app.inject(keyed);
    expect((await app.inject(keyed)).headers['idempotent-replayed']).toBe('true');
    expect([(await app.inject('/health')).body, runs()]).toEqual(['well', 1]);
  });

  it('idempotencyOf() throws context_missing where the request has no key or its route is not guarded', async () => {
    const thrown: unknown[] = [];
    const { app } = await startApp({
      platform,
      routes: (routes) => {
        for (const [url, options] of [
          ['/pay', guarded],
          ['/order', {}],
        ] as const) {
          routes.post(url, options, async (request) => {
            try {
              return { key: idempotencyOf(request).key };
            } catch (error) {
              thrown.push(error);
              return {};
            }
          });
        }
      },
    });
    expect((await app.inject(keyed)).json()).toEqual({ key: 'k' });
    await app.inject({ method: 'POST', url: '/pay' });
    await app.inject({ ...keyed, url: '/order' });
    expect(thrown.map((error) => error instanceof IdempotencyError && error.code)).toEqual(
      Array(2).fill('context_missing'),
    );
  });

  it('an error in the options at run time reaches the error handler of the application', async () => {
    const { app } = await startApp({
      platform,
      options: { scope: () => '' },
      routes: (routes) => {
        routes.setErrorHandler((error, _request, reply) =>
          reply.code(500).send({ code: (error as IdempotencyError).code }),
        );
        routes.post('/pay', guarded, async () => ({}));
      },
    });
    expect((await app.inject(keyed)).json()).toEqual({ code: 'scope_missing' });
  });

  it('a request that `skip` chooses runs without protection', async () => {
    const { handler, runs } = counted(async (request) => ({ guarded: request.idempotency !== undefined }));
    const { app } = await startApp({
      platform,
      options: { skip: (request) => request.headers['x-dry-run'] !== undefined },
      routes: (routes) => routes.post('/pay', guarded, handler),
    });
    const dryRun = { ...keyed, headers: { ...keyed.headers, 'x-dry-run': 'yes' } };
    const bodies = [await app.inject(dryRun), await app.inject(dryRun)].map((response) => response.json());
    expect([bodies, runs()]).toEqual([[{ guarded: false }, { guarded: false }], 2]);
  });

  it('reply.callNotFound() in a handler is a response of the handler, and is recorded', async () => {
    const { handler, runs } = counted(async (_request, reply) => {
      reply.callNotFound();
      return reply;
    });
    const { app } = await startApp({
      platform,
      routes: (routes) => {
        routes.setNotFoundHandler((_request, reply) => reply.code(404).send('no such account'));
        routes.post('/pay', guarded, handler);
      },
    });
    const responses = [await app.inject(keyed), await app.inject(keyed)];
    expect(responses.map(({ statusCode, body }) => [statusCode, body])).toEqual(
      Array(2).fill([404, 'no such account']),
    );
    expect([runs(), responses[1]?.headers['idempotent-replayed']]).toEqual([1, 'true']);
  });
});
