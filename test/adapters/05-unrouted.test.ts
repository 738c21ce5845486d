// Requirement 5: an unrouted request leaves its key free, so that the retry runs once there is a route.
import Router from '@koa/router';
import type { Context } from 'koa';
import { afterEach, expect, it } from 'vitest';
import { onEveryFramework, type Testbed } from './framework-matrix.js';
import { expressMiddleware, koaMiddleware, type Listener, type RunningApp, serve } from './frameworks.js';
import { send } from './http-client.js';
import type { OpenedStore } from './store-kinds.js';

type Store = OpenedStore['store'];
/** A method and a status: the application has one route, for `/pay`, which responds with that status. */
type Route = readonly ['post' | 'put', number];

const open: RunningApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

onEveryFramework('With the idempotency middleware before the routes,', (testbed) => {
  it('a 404 of an unrouted request leaves the key free, and the retry runs as attempt 2', async () => {
    const { store } = await testbed.openStore();
    const before = await startWith(testbed, store, null);
    expect((await before.post()).status).toBe(404);
    const after = await startWith(testbed, store, ['post', 201]);
    expect(await after.post()).toMatchObject({ status: 201, text: '{"attempt":2}' });
  });

  it.each([404, 405, 410])('a %d of a route is replayed', async (status) => {
    const { store } = await testbed.openStore();
    const { post } = await startWith(testbed, store, ['post', status]);
    expect(await post()).toMatchObject({ status, text: '{"attempt":1}' });
    expect(await post()).toMatchObject({ status, text: '{"attempt":1}', headers: { 'idempotent-replayed': 'true' } });
  });
});

onEveryFramework(
  'With the idempotency middleware before a router with allowedMethods,',
  (testbed) => {
    it('its 405 leaves the key free, and the retry runs as attempt 2', async () => {
      const { store } = await testbed.openStore();
      const before = await startWith(testbed, store, ['put', 201]);
      expect(await before.post()).toMatchObject({ status: 405, headers: { allow: 'PUT' } });
      const after = await startWith(testbed, store, ['post', 201]);
      expect(await after.post()).toMatchObject({ status: 201, text: '{"attempt":2}' });
    });
  },
  { family: 'koa' },
);

async function startWith(testbed: Testbed, store: Store, route: Route | null) {
  const app = await serve(listenerWith(testbed, store, route));
  open.push(app);
  return { post: () => send(app.port, { key: 'k', method: 'POST', path: '/pay' }) };
}

function listenerWith({ framework }: Testbed, store: Store, route: Route | null): Listener {
  if (framework.family === 'express') {
    const app = framework.library().use(expressMiddleware(store));
    if (route === null) return app;
    const [method, status] = route;
    return app[method]('/pay', (req, res) => void res.status(status).json({ attempt: req.idempotency?.attempt }));
  }
  const app = new framework.library().use(koaMiddleware(store));
  if (route === null) return app.callback();
  const [method, status] = route;
  const router = new Router();
  router[method]('/pay', (ctx: Context) => {
    ctx.status = status;
    ctx.body = { attempt: ctx.state.idempotency?.attempt };
  });
  return app.use(router.routes()).use(router.allowedMethods()).callback();
}
