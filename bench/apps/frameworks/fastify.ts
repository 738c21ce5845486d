import type { RequestListener } from 'node:http';
import type { IdempotencyStore } from '@onceguard/core';
import { idempotency } from '@onceguard/fastify';
import fastify from 'fastify';
import { type Order, pay } from '../payment.js';

export async function fastifyApp(store: IdempotencyStore | null): Promise<RequestListener> {
  const app = fastify();
  if (store !== null) await app.register(idempotency, { store, scope: () => 'account_42' });
  const config = store === null ? {} : { idempotency: true };
  app.post<{ Body: Order }>('/payments', { config }, async (request, reply) => reply.code(201).send(pay(request.body)));
  await app.ready();
  return (req, res) => app.routing(req, res);
}
