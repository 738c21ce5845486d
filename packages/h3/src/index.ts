// @onceguard/h3: a repeated request runs once and gets the recorded response. For h3 2 and Nitro 3.
import { IdempotencyError } from '@onceguard/core';
import type { HttpContext } from '@onceguard/core/http';
import { clientSignal, createWebLifecycle, type WebOptions } from '@onceguard/core/web';
import type { H3Event, Middleware } from 'h3';
import { clearOuterHeaders, createH3Adapter } from './h3-adapter.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';

declare module 'h3' {
  interface H3EventContext {
    /** Undefined where the request has no key. `idempotencyOf(event)` throws instead. */
    idempotency?: HttpContext;
  }
}

/** The options of `idempotency()`. Functions among them receive the event. */
export type IdempotencyOptions = WebOptions<H3Event>;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication and authorisation: a replay runs nothing that is
 * mounted after it. Throws a `ConfigurationError` that names every invalid option.
 *
 * The body is read before the handler runs, up to `maxRequestBytes`; `event.req` gives it once more. `event.req.signal` is the signal of
 * the execution. `docs/http.md` describes what a repeat gets.
 *
 * @example
 * app.use('/payments', idempotency({ store, scope: (event) => event.context.user.id }), { method: 'POST' });
 */
export function idempotency(options: IdempotencyOptions): Middleware {
  const lifecycle = createWebLifecycle<H3Event>(options);
  return async (event, next) => {
    if (!lifecycle.appliesTo(event.req)) return await next();
    const response = await lifecycle.respond(event, createH3Adapter(event, next, options));
    clearOuterHeaders(event);
    return response;
  };
}

/**
 * The context of this request's execution. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no
 * downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(event).deriveKey('charge') });
 */
export function idempotencyOf(event: H3Event): HttpContext {
  const { idempotency: context } = event.context;
  if (context !== undefined) return context;
  const remedy =
    'It brought no key, or idempotency() does not apply to it. Set required: true, or read event.context.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}

/**
 * The signal that aborts when the client leaves. While a handler runs under a key, `event.req.signal` is the signal of its execution, which
 * aborts with the lease: what it cancels must not depend on the client. Use this one to stop what only the client needs. Works without a
 * key too.
 *
 * @example
 * clientSignalOf(event).addEventListener('abort', () => subscription.close());
 */
export function clientSignalOf(event: H3Event): AbortSignal {
  return clientSignal(event.req);
}
