// What a handler knows about its execution, by the request that it was called with.
import { IdempotencyError } from '@onceguard/core';
import type { HttpContext } from '@onceguard/core/http';
import { clientSignal, contextOf } from '@onceguard/core/web';
import { findRequest, requireRequest } from './find-request.js';

/**
 * The context of this request's execution. `first` is the handler's first argument, or the Request. Throws an `IdempotencyError`
 * (`context_missing`) where the request has no key, so that no downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(request).deriveKey('charge') });
 */
export function idempotencyOf(first: object): HttpContext {
  const context = contextOf(first);
  if (context !== undefined) return context;
  const remedy =
    'It brought no key, or withIdempotency() does not apply to it. Set required: true, and pass the first argument of the handler.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}

/**
 * The signal that aborts when the client leaves. While a handler runs under a key, `request.signal` is the signal of its execution, which
 * aborts with the lease: what it cancels must not depend on the client. Use this one to stop what only the client needs, such as an event
 * stream. `first` is the handler's first argument, or the Request. Works without a key too.
 *
 * @example
 * clientSignalOf(request).addEventListener('abort', () => subscription.close());
 */
export function clientSignalOf(first: object): AbortSignal {
  return clientSignal(requireRequest(findRequest(first)));
}
