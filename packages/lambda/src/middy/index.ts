// @onceguard/lambda/middy: the middleware for middy 6 and 7.
import { defaultPolicy } from '@onceguard/core';
import type { HttpEvent } from '../http/event-request.js';
import { createEventServer } from '../http/serve-event.js';
import type { IdempotencyOptions } from '../http/with-idempotency.js';
import { isTimeoutOfMiddy, type MiddyRequest, watchEarlyResponses } from './middy-request.js';
import { MiddyRun } from './middy-run.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy } from '@onceguard/core/http';
export { idempotencyOf } from '../http/event-context.js';
export type { HttpEvent } from '../http/event-request.js';
export type { IdempotencyOptions } from '../http/with-idempotency.js';
export type { MiddyRequest } from './middy-request.js';

/** A middleware as `middy().use()` takes it. */
export interface IdempotencyMiddleware<Event> {
  /** Ends when the handler may run. Returns the response of a replay or a refusal. */
  before(request: MiddyRequest<Event>): Promise<unknown>;
  /** Records the response. */
  after(request: MiddyRequest<Event>): Promise<void>;
  /** Records the response that an error handler made, or frees the key. */
  onError(request: MiddyRequest<Event>): Promise<void>;
}

/**
 * middy middleware for requests that may be repeated, with the same promises as `withIdempotency()`. Use it after authentication,
 * authorisation and body parsers, and before error handlers and serialisers, whose responses are then recorded.
 *
 * For a replay middy runs neither the middlewares used after this one nor the `after` of those used before it, such as http-cors.
 * `middy(withIdempotency(handler, options))` records the result of the handler alone, and runs every middleware for a replay too.
 *
 * Throws a `ConfigurationError` that names every invalid option.
 *
 * @param options - those of `withIdempotency()`. Functions among them receive the event as the middlewares before this one left it.
 * @example
 * middy(pay).use(httpJsonBodyParser()).use(idempotency({ store, scope })).use(httpErrorHandler());
 */
export function idempotency<Event extends HttpEvent>(options: IdempotencyOptions<Event>): IdempotencyMiddleware<Event> {
  const serve = createEventServer<Event>(options);
  const { leaseMs = defaultPolicy.leaseMs } = options;
  const runs = new WeakMap<object, { readonly run: MiddyRun; endWatch(): void }>();

  /** Undefined where this middleware has not begun, or has ended: an error may come from any middleware, also after the response. */
  const takeRun = (request: object): MiddyRun | undefined => {
    const begun = runs.get(request);
    runs.delete(request);
    begun?.endWatch();
    return begun?.run;
  };

  return {
    async before(request) {
      const { event, context } = request;
      const run = new MiddyRun(leaseMs);
      run.start(({ runHandler, whenHandlerStopped }) =>
        serve({ event, context, middyRequest: request, runHandler, whenHandlerStopped }),
      );
      const begun = await run.whenBegun();
      if (begun.kind === 'responded') return begun.response;
      const endWatch = watchEarlyResponses(request, (error, isBeforeHandler) => {
        if (isBeforeHandler) begun.context?.markNothingHappened();
        void run.fail(error);
      });
      runs.set(request, { run, endWatch });
      return undefined;
    },

    async after(request) {
      const run = takeRun(request);
      if (run !== undefined) request.response = await run.finish(request.response);
    },

    async onError(request) {
      const run = takeRun(request);
      if (run === undefined) return;
      if (isTimeoutOfMiddy(request.error)) run.handlerOutlivesResponse();
      const { response, error } = request;
      const result = response === undefined ? await run.fail(error) : await run.finish(response);
      if (result !== undefined) request.response = result;
    },
  };
}
