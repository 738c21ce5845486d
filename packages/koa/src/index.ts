// @onceguard/koa: a repeated request runs once and gets the recorded answer, behind Koa 2 and 3.
import { IdempotencyError } from '@onceguard/core';
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import { headerLines, nodeExchange } from '@onceguard/core/node';
import type { Context, Next, ParameterizedContext } from 'koa';
import { createKoaAdapter } from './koa-adapter.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';

/** To intersect with your own state: `new Koa<MyState & IdempotencyState>()`. */
export interface IdempotencyState {
  /** Absent where the request brought no key. `idempotencyOf(ctx)` throws instead. */
  idempotency?: HttpContext;
}

/** The options of `idempotency()`; functions among them get Koa's context. */
export type IdempotencyOptions<C extends Context = Context> = HttpOptions<C>;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication, authorisation and the body parser:
 *
 *     router.post('/payments', authenticate, mayPay, bodyParser(), idempotency({ store, scope: (ctx) => ctx.state.user.id }), pay);
 *
 * Throws a `ConfigurationError` for options that cannot be meant. `docs/http.md` says what a repeat gets.
 */
export function idempotency<C extends Context = Context>(
  options: IdempotencyOptions<C>,
): (ctx: C, next: Next) => Promise<void> {
  const lifecycle = createLifecycle<C>(options);
  const { headerName } = lifecycle.options;
  return async (ctx, next) => {
    if (!lifecycle.appliesTo(ctx.req.method, headerLines(ctx.req, headerName))) return next();
    const { adapter, downstream } = createKoaAdapter(ctx, next, lifecycle.options);
    // Koa writes after the whole stack has returned, so nobody inside of it can wait for the answer.
    await Promise.race([downstream.entered, lifecycle.handle(ctx, nodeExchange(adapter))]);
    await downstream.returned;
  };
}

/**
 * What this request's handler is told of its execution. Throws `context_missing` where the request brought no key, so that none
 * is left out downstream by oversight.
 */
export function idempotencyOf(ctx: ParameterizedContext<IdempotencyState>): HttpContext {
  if (ctx.state.idempotency !== undefined) return ctx.state.idempotency;
  const remedy =
    'It brought no key, or idempotency() does not apply to it. Set required: true, or read ctx.state.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
