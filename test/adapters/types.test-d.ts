// What the types of the adapters promise. `npx tsc -p test` checks it; nothing here runs.
import Router from '@koa/router';
import { MemoryStore } from '@onceguard/core';
import { httpPaymentPolicy } from '@onceguard/core/http';
import { type HttpContext, type IdempotencyOptions, idempotency, idempotencyOf } from '@onceguard/express';
import * as forKoa from '@onceguard/koa';
import express, { Router as makeRouter, type Request, type RequestHandler } from 'express';
import express4 from 'express4';
import Koa, { type ParameterizedContext } from 'koa';
import Koa2 from 'koa2';
import { expectTypeOf } from 'vitest';

const store = new MemoryStore();
const middleware = idempotency({ store, scope: 'public' });

// Express 5 and 4 infer the parameters of a route from its path, as they do without the middleware.
express().post('/payments/:id/items/:item', middleware, (req) => {
  expectTypeOf(req.params).toEqualTypeOf<{ id: string } & { item: string }>();
  expectTypeOf(req.idempotency).toEqualTypeOf<HttpContext | undefined>();
  expectTypeOf(idempotencyOf(req)).toEqualTypeOf<HttpContext>();
});
express().post('/payments/:id', idempotency({ store, scope: (req) => req.ip ?? '' }), (req) => {
  expectTypeOf(req.params).toEqualTypeOf<{ id: string }>();
});
express()
  .route('/payments/:id')
  .patch(middleware, (req) => {
    expectTypeOf(req.params).toEqualTypeOf<{ id: string }>();
  });
makeRouter().post<{ id: string }, object, { amount: number }>('/payments/:id', middleware, (req) => {
  expectTypeOf(req.params.id).toBeString();
  expectTypeOf(req.body.amount).toBeNumber();
});
express4().post('/payments/:id', middleware, (req) => {
  expectTypeOf(req.params).toEqualTypeOf<{ id: string }>();
  expectTypeOf(req.idempotency).toEqualTypeOf<HttpContext | undefined>();
});

// It mounts wherever middleware does.
express().use(middleware).use('/payments', middleware).all(/.*/, [middleware]);
express4().use(middleware).use('/payments', middleware).all(/.*/, [middleware]);
expectTypeOf(middleware).toExtend<RequestHandler>();

// Functions among the options see the application's own request.
interface SignedIn extends Request {
  user: { id: string };
}
express().post(
  '/payments',
  idempotency<SignedIn>({ store, scope: (req) => req.user.id, skip: (req) => req.user.id === '' }),
);
express().post(
  '/payments',
  idempotency({ store, scope: async (req: SignedIn) => req.user.id, fingerprint: (req) => req.user.id }),
);
expectTypeOf<NonNullable<IdempotencyOptions<SignedIn>['skip']>>().parameter(0).toEqualTypeOf<SignedIn>();
// @ts-expect-error: Express' request has no user of its own
idempotency({ store, scope: (req) => req.user.id });

// Koa: the state has the application's own type and contains the context.
interface MyState {
  user: { id: string };
}
const koa = forKoa.idempotency({ store, scope: 'public' });
new Koa<MyState & forKoa.IdempotencyState>().use(koa).use((ctx) => {
  expectTypeOf(ctx.state.user.id).toBeString();
  expectTypeOf(ctx.state.idempotency).toEqualTypeOf<HttpContext | undefined>();
  expectTypeOf(forKoa.idempotencyOf(ctx)).toEqualTypeOf<HttpContext>();
});
new Koa<MyState>()
  .use(forKoa.idempotency<ParameterizedContext<MyState>>({ store, scope: (ctx) => ctx.state.user.id }))
  .use((ctx) => expectTypeOf(ctx.state.user.id).toBeString());
new Koa2().use(koa);
new Router<MyState & forKoa.IdempotencyState>().post('/payments/:id', koa, (ctx) => {
  expectTypeOf(ctx.state.user.id).toBeString();
  expectTypeOf(ctx.state.idempotency).toEqualTypeOf<HttpContext | undefined>();
});
// @ts-expect-error: this state has no tenant
forKoa.idempotency<ParameterizedContext<MyState>>({ store, scope: (ctx) => ctx.state.tenant });

// Wrong options are type errors; a preset is not.
idempotency({ store, scope: 'public', ...httpPaymentPolicy });
forKoa.idempotency({ store, scope: 'public', ...httpPaymentPolicy, leaseMs: 10_000 });
// @ts-expect-error: no scope
idempotency({ store });
// @ts-expect-error: no store
forKoa.idempotency({ scope: 'public' });
// @ts-expect-error: a scope is a function or 'public'
idempotency({ store, scope: 'everybody' });
// @ts-expect-error: a scope is a string
forKoa.idempotency({ store, scope: () => 17 });
// @ts-expect-error: an option that does not exist
idempotency({ store, scope: 'public', leaseSeconds: 30 });
// @ts-expect-error: a wrong unit
forKoa.idempotency({ store, scope: 'public', leaseMs: '30s' });
// @ts-expect-error: a policy that does not exist
idempotency({ store, scope: 'public', onAbandoned: 'ignore' });
