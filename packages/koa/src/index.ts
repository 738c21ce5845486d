// @onceguard/koa: a repeated request runs once and gets the recorded response. For Koa 2 and 3.
import { IdempotencyError } from '@onceguard/core';
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import { headerLines, nodeExchange } from '@onceguard/core/node';
import type { Context, Next, ParameterizedContext } from 'koa';
import { createKoaAdapter } from './koa-adapter.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';

/** The state that the middleware sets. Intersect it with your own: `new Koa<MyState & IdempotencyState>()`. */
export interface IdempotencyState {
  /** Undefined where the request has no key. `idempotencyOf(ctx)` throws instead. */
  idempotency?: HttpContext;
}

/** The options of `idempotency()`. Functions among them receive Koa's context. */
export type IdempotencyOptions<C extends Context = Context> = HttpOptions<C>;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication, authorisation and the body parser. Throws a
 * `ConfigurationError` that names every invalid option. `docs/http.md` describes what a repeat gets.
 *
 * @example
 * router.post('/payments', authenticate, mayPay, bodyParser(), idempotency({ store, scope: (ctx) => ctx.state.user.id }), pay);
 */
export function idempotency<C extends Context = Context>(
  options: IdempotencyOptions<C>,
): (ctx: C, next: Next) => Promise<void> {
  const lifecycle = createLifecycle<C>(options);
  const { headerName } = lifecycle.options;
  return async (ctx, next) => {
    const keyLines = headerLines(ctx.req, headerName);
    if (!lifecycle.appliesTo(ctx.req.method, keyLines)) return next();
    const { adapter, downstream } = createKoaAdapter(ctx, next, keyLines, lifecycle.options);
    // Koa writes the response after all middleware has returned, so no middleware can wait for the response.
    await Promise.race([downstream.entered, lifecycle.handle(ctx, nodeExchange(adapter))]);
    await downstream.returned;
  };
}

/**
 * The context of this request's execution. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no
 * downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(ctx).deriveKey('charge') });
 */
export function idempotencyOf(ctx: ParameterizedContext<IdempotencyState>): HttpContext {
  if (ctx.state.idempotency !== undefined) return ctx.state.idempotency;
  const remedy =
    'It brought no key, or idempotency() does not apply to it. Set required: true, or read ctx.state.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
