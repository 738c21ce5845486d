// A payment endpoint on Fastify, with the usual plugins and the strict settings for money. In the folder examples, after npm run build:
//
//   PORT=3000 npx tsx fastify-payments/index.ts
//   curl -i localhost:3000/payments -H 'Authorization: Bearer alice-token' -H 'Content-Type: application/json' \
//     -H 'Idempotency-Key: order-17' -d '{"amount":20,"currency":"EUR"}'
import compress from '@fastify/compress';
import cookie from '@fastify/cookie';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy, idempotency, idempotencyOf } from '@onceguard/fastify';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    userId: string;
  }
}

// One process: the memory store. Several: RedisStore.connect('redis://…') of @onceguard/core/redis.
const store = new MemoryStore();
const users = new Map([
  ['Bearer alice-token', 'user_alice'],
  ['Bearer bob-token', 'user_bob'],
]);
let charges = 0;

const app = Fastify();
await app.register(helmet);
await app.register(cors, {
  origin: ['https://shop.example'],
  credentials: true,
  exposedHeaders: ['Idempotent-Replayed'],
});
await app.register(cookie);
await app.register(compress, { threshold: 200 });
app.decorateRequest('userId', '');
// Awaited, and before the routes. The scope is the user, who stays the same when the token is refreshed. Never use the token.
await app.register(idempotency, { ...httpPaymentPolicy, store, scope: (request) => request.userId });

async function authenticate(request: FastifyRequest, reply: FastifyReply) {
  const userId = users.get(request.headers.authorization ?? '');
  if (userId === undefined) return reply.code(401).send({ error: 'Who are you?' });
  request.userId = userId;
}

interface Payment {
  readonly amount: number;
  readonly currency: string;
}

const schema = {
  body: {
    type: 'object',
    required: ['amount', 'currency'],
    properties: { amount: { type: 'integer', minimum: 1 }, currency: { enum: ['EUR', 'USD'] } },
  },
  response: {
    201: {
      type: 'object',
      // What is not listed, such as the provider's own reference, is neither sent nor recorded.
      properties: { id: { type: 'string' }, amount: { type: 'integer' }, currency: { type: 'string' } },
    },
  },
};

app.post<{ Body: Payment }>(
  '/payments',
  { schema, onRequest: authenticate, config: { idempotency: { required: true } } },
  async (request, reply) => {
    const { deriveKey, signal } = idempotencyOf(request);
    const charge = await chargeCard(request.body, deriveKey('charge'), signal);
    return reply
      .code(201)
      .header('Location', `/payments/${charge.id}`)
      .setCookie('last-payment', charge.id)
      .send(charge);
  },
);

/** Stands for the call of a payment provider. Pass on the derived key, so that the provider recognises a repeat. */
async function chargeCard({ amount, currency }: Payment, idempotencyKey: string, signal: AbortSignal) {
  signal.throwIfAborted();
  charges += 1;
  return { id: `charge_${charges}`, amount, currency, reference: idempotencyKey };
}

const address = await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`Listening on port ${new URL(address).port}`);
