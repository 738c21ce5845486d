// The context of the execution that handles an event, for code that has the event.
import { IdempotencyError } from '@onceguard/core';
import type { HttpContext } from '@onceguard/core/http';

const contexts = new WeakMap<object, HttpContext>();

export function rememberContext(event: object, context: HttpContext): void {
  contexts.set(event, context);
}

/** An event object that is used again, as in tests, begins without a context. */
export function forgetContext(event: object, context: HttpContext): void {
  if (contexts.get(event) === context) contexts.delete(event);
}

/**
 * The context of this event's execution: `key`, `attempt`, `signal`, `deriveKey`, `step`, `markNothingHappened`. Valid while the handler
 * runs. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no call to another system omits the key by
 * mistake.
 *
 * @param event - the object that the handler got.
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(event).deriveKey('charge') });
 */
export function idempotencyOf(event: object): HttpContext {
  const context = contexts.get(event);
  if (context !== undefined) return context;
  const remedy =
    'It brought no key, or the handler is not wrapped. Set required: true, or wrap it by withIdempotency().';
  throw new IdempotencyError('context_missing', `This event has no idempotency context. ${remedy}`);
}
