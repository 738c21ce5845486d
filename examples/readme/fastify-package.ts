// The snippet of packages/fastify/README.md. What is between the marks is an exact copy: change both.
import { provider } from '../application.js';
import { authenticate, authorize } from '../application-fastify.js';

// #region snippet

import { RedisStore } from '@onceguard/core/redis';
import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/fastify';
import Fastify from 'fastify';

const store = await RedisStore.connect(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379');
const app = Fastify({ logger: false });
await app.register(idempotency, { store, required: true, scope: (request) => request.user.id });
app.post(
  '/payments',
  { preHandler: [authenticate, authorize], config: { idempotency: { ...httpPaymentPolicy } } },
  async (request, reply) => {
    const charge = await provider.charge(request.body, { idempotencyKey: idempotencyOf(request).deriveKey('charge') });
    return reply.code(201).send(charge);
  },
);

// #endregion

export { app, store };
