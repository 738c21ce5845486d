// The snippet of packages/hono/README.md. What is between the marks is an exact copy: change both.
import { provider } from '../application.js';
import { authenticateHono as authenticate, type User } from '../web-application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, type IdempotencyVariables, idempotency, idempotencyOf } from '@onceguard/hono';
import { Hono } from 'hono';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = new Hono<{ Variables: IdempotencyVariables & { user: User } }>();

app.use(authenticate);
app.post(
  '/payments',
  idempotency({ ...httpPaymentPolicy, store, required: true, scope: (c) => c.get('user').id }),
  async (c) => {
    const { deriveKey } = idempotencyOf(c);
    return c.json(await provider.charge(await c.req.json(), { idempotencyKey: deriveKey('charge') }), 201);
  },
);

// #endregion

export { app, store };
