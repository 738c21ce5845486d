// Orders on Koa, in as many processes as you like, on one Redis. In the folder examples, after npm run build:
//
//   REDIS_URL=redis://127.0.0.1:6379 PORT=3001 npx tsx koa-orders/index.ts
//   REDIS_URL=redis://127.0.0.1:6379 PORT=3002 npx tsx koa-orders/index.ts
//   curl -i localhost:3001/orders -H 'X-User: alice' -H 'Idempotency-Key: cart-9' -H 'Content-Type: application/json' -d '{"item":"tea"}'
//   … and the same at localhost:3002: the same order.
import { once } from 'node:events';
import { drainStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type IdempotencyState, idempotency } from '@onceguard/koa';
import { Redis } from 'ioredis';
import Koa from 'koa';
import bodyParser from 'koa-bodyparser';

interface State extends IdempotencyState {
  user: string;
}

const url = process.env.REDIS_URL ?? 'redis://127.0.0.1:6379';
const prefix = process.env.PREFIX ?? 'koa-orders:';
const store = await RedisStore.connect({ url, prefix });
const orders = new Redis(url);

const app = new Koa<State>();
app.use(async (ctx, next) => {
  // Stands for your authentication and authorisation. Mounted first, because a replay runs nothing after the middleware.
  ctx.state.user = ctx.get('X-User') || ctx.throw(401);
  await next();
});
app.use(bodyParser());
app.use(idempotency({ store, scope: (ctx) => ctx.state.user, onInProgress: { waitMs: 5_000 } }));
app.use(async (ctx) => {
  const number = await orders.incr(`${prefix}orders`);
  ctx.status = 201;
  ctx.body = { number, ordered: ctx.request.body, by: ctx.state.user };
});

const server = app.listen(Number(process.env.PORT ?? 3001), () => {
  const address = server.address();
  console.log(`Listening on port ${typeof address === 'object' ? address?.port : address}`);
});

await once(process, 'SIGTERM');
server.close();
// Waits until outcomes that Redis could not take at once are recorded.
await drainStore(store);
await store.close();
orders.disconnect();
