// The snippet of docs/get-started.md, under "Koa". What is between the marks is an exact copy: change both.
import { authenticateKoa as authenticate, createOrder } from '../application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { type IdempotencyState, idempotency } from '@onceguard/koa';
import Koa from 'koa';
import bodyParser from 'koa-bodyparser';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = new Koa<IdempotencyState & { user: { id: string } }>();
app.use(authenticate);
app.use(bodyParser());
app.use(idempotency({ store, scope: (ctx) => ctx.state.user.id }));
app.use(async (ctx) => {
  ctx.status = 201;
  ctx.body = await createOrder(ctx.request.body);
});

// #endregion

export { app, store };
