// Requirement 5: the 405 that a router of Koa sends for other methods is that of an unrouted request.
import Router from '@koa/router';
import type { IdempotencyStore } from '@onceguard/core';
import { afterEach, expect, it } from 'vitest';
import { type RunningApp, serve } from '../../packages/testing/src/adapter-suite/app-server.js';
import { send } from '../../packages/testing/src/adapter-suite/support/http-client.js';
import { onEveryFramework } from './framework-matrix.js';
import { isKoa, type KoaFramework, koaMiddleware } from './registrations/koa.js';

const open: RunningApp[] = [];
afterEach(async () => {
  for (const app of open.splice(0)) await app.close();
});

onEveryFramework(
  'With the adapter before a router with allowedMethods,',
  (testbed) => {
    it('its 405 leaves the key free, and the retry runs as attempt 2', async () => {
      const { store } = await testbed.openStore();
      const before = await startWith(testbed.framework, store, 'put');
      expect(await before.post()).toMatchObject({ status: 405, headers: { allow: 'PUT' } });
      const after = await startWith(testbed.framework, store, 'post');
      expect(await after.post()).toMatchObject({ status: 201, text: '{"attempt":2}' });
    });
  },
  { only: isKoa },
);

/** An application with one route, for `/pay` and this method. */
async function startWith({ library, transport }: KoaFramework, store: IdempotencyStore, method: 'post' | 'put') {
  const router = new Router();
  router[method]('/pay', (ctx) => {
    ctx.status = 201;
    ctx.body = { attempt: ctx.state.idempotency?.attempt };
  });
  const koa = new library().use(koaMiddleware(store)).use(router.routes()).use(router.allowedMethods());
  const app = await serve(koa.callback(), transport);
  open.push(app);
  return { post: () => send(app.port, { key: 'k', method: 'POST', path: '/pay' }) };
}
