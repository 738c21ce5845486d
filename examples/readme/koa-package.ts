// The snippet of packages/koa/README.md. What is between the marks is an exact copy: change both.
import { authenticateKoa as authenticate, authorizeKoa as authorize, createOrder } from '../application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { type IdempotencyState, idempotency, idempotencyOf } from '@onceguard/koa';
import Koa from 'koa';
import bodyParser from 'koa-bodyparser';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = new Koa<IdempotencyState & { user: { id: string } }>();
app.use(authenticate).use(authorize);
app.use(bodyParser());
app.use(idempotency({ store, required: true, scope: (ctx) => ctx.state.user.id }));
app.use(async (ctx) => {
  const { deriveKey } = idempotencyOf(ctx);
  ctx.body = await createOrder(ctx.request.body, deriveKey('order'));
});

// #endregion

export { app, store };
