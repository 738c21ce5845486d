// Requirement 4: the path of the incoming request counts, even where routers rewrite it.
import Router from '@koa/router';
import type { Context, Next } from 'koa';
import { expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { expressMiddleware, koaMiddleware, type Listener, serve } from './frameworks.js';
import { type ReceivedResponse, send } from './http-client.js';
import type { OpenedStore } from './store-kinds.js';

type Mounting = (testbed: Testbed, store: OpenedStore['store'], run: () => number) => Listener;

/** One router with its own idempotency middleware, mounted at `/a` and at `/b`. */
const mountings: Record<string, Mounting> = {
  'a router mounted twice': ({ framework }, store, run) => {
    if (framework.family === 'express') {
      const router = framework.library.Router();
      router.post('/pay', expressMiddleware(store), (_req, res) => void res.status(201).json({ run: run() }));
      return framework.library().use('/a', router).use('/b', router);
    }
    const router = new Router();
    router.post('/pay', koaMiddleware(store), (ctx) => respond(ctx, run));
    const outer = new Router().use('/a', router.routes()).use('/b', router.routes());
    return new framework.library().use(outer.routes()).callback();
  },

  'an application mounted twice': ({ framework }, store, run) => {
    if (framework.family === 'express') {
      const inner = framework.library();
      inner.use(expressMiddleware(store), (_req, res) => void res.status(201).json({ run: run() }));
      return framework.library().use('/a', inner).use('/b', inner);
    }
    const application = new framework.library();
    // Like koa-mount: the inner application sees only its own part of the path.
    application.use(async (ctx: Context, next: Next) => {
      ctx.path = ctx.path.slice(2);
      await next();
    });
    application.use(koaMiddleware(store)).use((ctx: Context) => respond(ctx, run));
    return application.callback();
  },
};

function respond(ctx: Context, run: () => number): void {
  ctx.status = 201;
  ctx.body = { run: run() };
}

onEveryFramework('The same key', (testbed) => {
  it.each(Object.keys(mountings))('names separate records on the two paths of %s', async (name) => {
    const { store } = await testbed.openStore();
    let runs = 0;
    const listener = mountings[name]?.(testbed, store, () => ++runs);
    if (listener === undefined) throw new Error(name);
    const app = await serve(listener);
    try {
      const post = async (path: string): Promise<ReceivedResponse> =>
        await send(app.port, { key: 'k', method: 'POST', path });
      const responses = [await post('/a/pay'), await post('/b/pay'), await post('/a/pay'), await post('/b/pay')];
      expect(responses.map(({ text }) => text)).toEqual(['{"run":1}', '{"run":2}', '{"run":1}', '{"run":2}']);
      const replayed = responses.map(({ headers }) => headers['idempotent-replayed']);
      expect(replayed).toEqual([undefined, undefined, 'true', 'true']);
    } finally {
      await app.close();
    }
  });
});
