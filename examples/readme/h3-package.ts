// The snippet of packages/h3/README.md. What is between the marks is an exact copy: change both.
import { provider } from '../application.js';
import { authenticateH3 as authenticate } from '../web-application.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/h3';
import { H3 } from 'h3';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = new H3();

app.use(authenticate);
app.use(
  '/payments',
  idempotency({ ...httpPaymentPolicy, store, required: true, scope: (event) => event.context.user.id }),
);
app.post('/payments', async (event) => {
  const { deriveKey } = idempotencyOf(event);
  event.res.status = 201;
  return await provider.charge(await event.req.json(), { idempotencyKey: deriveKey('charge') });
});

// #endregion

export { app, store };
