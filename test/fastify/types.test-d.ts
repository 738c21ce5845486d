// What the types of @onceguard/fastify promise. `npx tsc -p test` checks it; nothing here runs.
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { type HttpContext, type IdempotencyOptions, idempotency, idempotencyOf } from '@onceguard/fastify';
import fastify, { type FastifyRequest, type FastifyTypeProvider } from 'fastify';
import { expectTypeOf } from 'vitest';

const store = new MemoryStore();
const app = fastify();

// It registers wherever a plugin does: on HTTP/2, with a logger, and under a type provider.
app.register(idempotency, { store, scope: (request) => request.ip });
fastify({ http2: true }).register(idempotency, { store, scope: 'public' });
fastify({ logger: true }).register(idempotency, { store, scope: 'public', ...httpPaymentPolicy });
interface Provider extends FastifyTypeProvider {
  serializer: unknown;
  validator: unknown;
}
app.withTypeProvider<Provider>().register(idempotency, { store, scope: 'public' });

// The options of a route are those of the plugin, and each may be left out.
app.post('/payments', { config: { idempotency: true } }, async (request) => {
  expectTypeOf(request.idempotency).toEqualTypeOf<HttpContext | undefined>();
  expectTypeOf(idempotencyOf(request)).toEqualTypeOf<HttpContext>();
});
app.post('/orders', { config: { idempotency: { required: true, scope: (request) => request.ip } } }, async () => ({}));

// Routes keep the types that they declare.
app.post<{ Body: { amount: number }; Params: { id: string } }>(
  '/payments/:id',
  { config: { idempotency: { ...httpPaymentPolicy } } },
  async (request) => {
    expectTypeOf(request.body.amount).toBeNumber();
    expectTypeOf(request.params.id).toBeString();
    return idempotencyOf(request).key;
  },
);

expectTypeOf<NonNullable<IdempotencyOptions['skip']>>().parameter(0).toEqualTypeOf<FastifyRequest>();

// Wrong options are type errors.
// @ts-expect-error: no scope
app.register(idempotency, { store });
// @ts-expect-error: no store
app.register(idempotency, { scope: 'public' });
// @ts-expect-error: a scope is a function or 'public'
app.register(idempotency, { store, scope: 'everybody' });
// @ts-expect-error: an option that does not exist
app.register(idempotency, { store, scope: 'public', leaseSeconds: 30 });
// @ts-expect-error: a wrong unit
app.post('/payments', { config: { idempotency: { leaseMs: '30s' } } }, async () => ({}));
// @ts-expect-error: Fastify's request has no user of its own
app.register(idempotency, { store, scope: (request) => request.user.id });
