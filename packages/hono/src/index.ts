// @onceguard/hono: a repeated request runs once and gets the recorded response. For Hono 4.
import { IdempotencyError } from '@onceguard/core';
import type { HttpContext } from '@onceguard/core/http';
import { clientSignal, createWebLifecycle, type WebOptions } from '@onceguard/core/web';
import type { Context, Env, MiddlewareHandler } from 'hono';
import { createHonoAdapter, setResponse } from './hono-adapter.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';

/** The variables that the middleware sets. Intersect them with your own: `new Hono<{ Variables: MyVariables & IdempotencyVariables }>()`. */
export interface IdempotencyVariables {
  /** Undefined where the request has no key. `idempotencyOf(c)` throws instead. */
  idempotency?: HttpContext;
}

/** The options of `idempotency()`. Functions among them receive Hono's context. */
export type IdempotencyOptions<E extends Env = AnyEnv> = WebOptions<Context<E>>;

// biome-ignore lint/suspicious/noExplicitAny: Hono does not infer the environment of middleware that is called; it uses any, too
type AnyEnv = any;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication and authorisation: a replay runs nothing that is
 * mounted after it. Throws a `ConfigurationError` that names every invalid option.
 *
 * The body is read before the handler runs, up to `maxRequestBytes`; `c.req` and `c.req.raw` give it once more. `c.req.raw.signal` is the
 * signal of the execution. `docs/http.md` describes what a repeat gets.
 *
 * @example
 * app.post('/payments', authenticate, mayPay, idempotency({ store, scope: (c) => c.get('user').id }), pay);
 */
export function idempotency<E extends Env = AnyEnv>(options: IdempotencyOptions<E>): MiddlewareHandler<E> {
  const lifecycle = createWebLifecycle<Context<E>>(options);
  return async (c, next) => {
    if (!lifecycle.appliesTo(c.req.raw)) return await next();
    try {
      setResponse(c, await lifecycle.respond(c, createHonoAdapter(c, next, options)));
    } catch (error) {
      // Hono would put the headers of the response that is given up on the one that it makes of the error.
      c.res = undefined;
      throw error;
    }
  };
}

/**
 * The context of this request's execution. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no
 * downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(c).deriveKey('charge') });
 */
export function idempotencyOf(c: Context): HttpContext {
  const context: HttpContext | undefined = c.get('idempotency');
  if (context !== undefined) return context;
  const remedy =
    "It brought no key, or idempotency() does not apply to it. Set required: true, or read c.get('idempotency').";
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}

/**
 * The signal that aborts when the client leaves. While a handler runs under a key, `c.req.raw.signal` is the signal of its execution, which
 * aborts with the lease: what it cancels must not depend on the client. Use this one to stop what only the client needs. Works without a
 * key too.
 *
 * @example
 * clientSignalOf(c).addEventListener('abort', () => subscription.close());
 */
export function clientSignalOf(c: Context): AbortSignal {
  return clientSignal(c.req.raw);
}
