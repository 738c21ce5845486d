// withIdempotency: wraps the handler of HTTP events.
import { ConfigurationError } from '@onceguard/core';
import type { HttpOptions } from '@onceguard/core/http';
import type { LambdaContext } from '../remaining-time.js';
import type { HttpEvent } from './event-request.js';
import { createEventServer } from './serve-event.js';

/** The options of `withIdempotency()`. Functions among them receive the event. */
export type IdempotencyOptions<Event extends HttpEvent = HttpEvent> = HttpOptions<Event>;

/** A handler that returns its result. The third parameter is what middy or an older runtime passes. */
export type LambdaHandler<Event, Context, Result> = (
  event: Event,
  context: Context,
  third: never,
) => Result | Promise<Result>;

/**
 * Wraps a handler for requests of API Gateway (REST and HTTP APIs), function URLs and load balancers: a repeated request runs once, and
 * every repeat gets the recorded response, in the form that the sender of its event needs. `docs/http.md` describes what a repeat gets.
 *
 * - The result of the handler is returned as it is. What the handler throws is thrown, after its key was freed or its outcome became
 *   unknown (`onFailure`).
 * - No lease is longer than the remaining time of the invocation. If Lambda ends the function at its time limit, a retry takes over once
 *   the lease is over; with `httpPaymentPolicy` the outcome is unknown.
 * - A response that the store could not record is kept back, at most until 500 ms before the time limit and at most for `leaseMs`, while
 *   the recording is retried. If it fails, the response has the header `Idempotency-Recorded: false`.
 *
 * Throws a `ConfigurationError` that names every invalid option, and for a handler that streams its response. The wrapped handler rejects
 * with a `ConfigurationError` for an event that is no HTTP request, and with the error of a function among the options.
 *
 * @param handler - async, or with a plain result. Handlers that use a callback are not supported.
 * @param options - those of every HTTP adapter. `store` and `scope` are required.
 * @example
 * export const handler = withIdempotency(pay, { store, scope: (event) => event.requestContext.authorizer.jwt.claims.sub });
 */
export function withIdempotency<Event extends HttpEvent, Context extends LambdaContext, Result>(
  handler: LambdaHandler<Event, Context, Result>,
  options: IdempotencyOptions<Event>,
): (event: Event, context: Context, third?: unknown) => Promise<Result> {
  refuseStreaming(handler);
  const serve = createEventServer<Event>(options);
  return async (event, context, third) => {
    refuseResponseStream(context);
    const rest = typeof third === 'function' ? refuseCallback : third;
    // What the exchange returns is the handler's own result, or a response in the form of one.
    const result = await serve({ event, context, runHandler: () => handler(event, context, rest as never) });
    return result as Result;
  };
}

/** The mark of `awslambda.streamifyResponse` on a handler. */
const streamingSymbol = Symbol.for('aws.lambda.runtime.handler.streaming');

const streamingRemedy =
  'Response streaming is not supported, because a response leaves only after its record. Return the response instead.';

function refuseStreaming(handler: unknown): void {
  if (typeof handler !== 'function')
    throw new ConfigurationError('option_invalid', 'withIdempotency(): the handler must be a function of an event.');
  if (streamingSymbol in handler)
    throw new ConfigurationError('option_invalid', `withIdempotency(): ${streamingRemedy}`);
}

/** A streaming handler gets the stream in place of the context. */
function refuseResponseStream(context: unknown): void {
  if (typeof context === 'object' && context !== null && 'write' in context)
    throw new ConfigurationError('argument_invalid', `The wrapped handler got a response stream. ${streamingRemedy}`);
}

function refuseCallback(): never {
  throw new ConfigurationError(
    'argument_invalid',
    'The handler responded by its callback. Return the result instead, from an async function.',
  );
}
