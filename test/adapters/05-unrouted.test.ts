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

onEveryFramework('With the idempotency middleware before the routes,', (world) => {
  it('a 404 of an unrouted request leaves the key free, and the retry runs as attempt 2', async () => {
    const { store } = await world.openStore();
    const before = await startWith(world, store, null);
    expect((await before.ask()).status).toBe(404);
    const after = await startWith(world, store, ['post', 201]);
    expect(await after.ask()).toMatchObject({ status: 201, text: '{"attempt":2}' });
  });

  it.each([404, 405, 410])('a %d of a route is replayed', async (status) => {
    const { store } = await world.openStore();
    const { ask } = await startWith(world, store, ['post', status]);
    expect(await ask()).toMatchObject({ status, text: '{"attempt":1}' });
    expect(await ask()).toMatchObject({ status, text: '{"attempt":1}', headers: { 'idempotent-replayed': 'true' } });
  });
});

onEveryFramework(
  'With the idempotency middleware before a router with allowedMethods,',
  (world) => {
    it('its 405 leaves the key free, and the retry runs as attempt 2', async () => {
      const { store } = await world.openStore();
      const before = await startWith(world, store, ['put', 201]);
      expect(await before.ask()).toMatchObject({ status: 405, headers: { allow: 'PUT' } });
      const after = await startWith(world, store, ['post', 201]);
      expect(await after.ask()).toMatchObject({ status: 201, text: '{"attempt":2}' });
    });
  },
  { family: 'koa' },
);

async function startWith(world: Testbed, store: Store, route: Route | null) {
  const app = await serve(listenerWith(world, store, route));
  open.push(app);
  return { ask: () => send(app.port, { key: 'k', method: 'POST', path: '/pay' }) };
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
