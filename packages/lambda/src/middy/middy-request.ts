// What middy passes to its middlewares, and what has to be known about it.
import { ConfigurationError } from '@onceguard/core';

/** The request of middy, as far as it is used here. */
export interface MiddyRequest<Event> {
  event: Event;
  context: unknown;
  response: unknown;
  error: unknown;
}

/** middy responds 5 ms before the time limit, while the handler still works (`timeoutEarlyInMillis`). */
export function isTimeoutOfMiddy(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== 'TimeoutError') return false;
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && Reflect.get(cause, 'package') === '@middy/core';
}

const earlyResponseRemedy =
  'A middleware that is used after idempotency() has responded early, by returning a value. Use it before idempotency(), or let it ' +
  'return nothing.';

/**
 * Makes an early response of a middleware that is used after this one an error. middy would then call neither `after` nor `onError` of
 * this one, and the key would stay in use. middy sets `earlyResponse` and then `response`.
 *
 * `onEarlyResponse` gets the error, and whether the handler has not begun. The function returned ends the watch.
 */
export function watchEarlyResponses(
  request: MiddyRequest<unknown> & { earlyResponse?: unknown },
  onEarlyResponse: (error: Error, isBeforeHandler: boolean) => void,
): () => void {
  let { response } = request;
  let isBeforeHandler = true;
  const shared = { configurable: true, enumerable: true };
  Object.defineProperty(request, 'response', {
    ...shared,
    get: () => response,
    set(value: unknown) {
      if ('earlyResponse' in request) {
        delete request.earlyResponse;
        const error = new ConfigurationError('argument_invalid', earlyResponseRemedy);
        onEarlyResponse(error, isBeforeHandler);
        throw error;
      }
      isBeforeHandler = false;
      response = value;
    },
  });
  // Read from the request, because another middleware may watch too.
  return () => void Object.defineProperty(request, 'response', { ...shared, writable: true, value: request.response });
}
