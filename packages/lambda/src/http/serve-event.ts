// Handles one HTTP event from its request to its result. `withIdempotency` and the middleware for middy build on it.
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import { maxLeaseMs, recordBeforeFreeze } from '../remaining-time.js';
import { forgetContext, rememberContext } from './event-context.js';
import { type HttpEvent, readEventRequest } from './event-request.js';
import { identityOf, runAsInvocation } from './invocation-identity.js';
import { LambdaExchange, type RunHandler } from './lambda-exchange.js';

export interface Invocation<Event> {
  readonly event: Event;
  readonly context: unknown;
  readonly runHandler: RunHandler;
  /** middy's request, which all middlewares of one invocation share. Left out: middy does not run the handler. */
  readonly middyRequest?: object;
  /** See `LambdaExchangeOptions`. */
  readonly whenHandlerStopped?: () => Promise<void> | null;
}

/** Resolves with the result of the invocation. Rejects with what the handler threw, or with an error for developers. */
export type ServeEvent<Event> = (invocation: Invocation<Event>) => Promise<unknown>;

/** Throws a `ConfigurationError` that names every invalid option. */
export function createEventServer<Event extends HttpEvent>(options: HttpOptions<Event>): ServeEvent<Event> {
  const lifecycle = createLifecycle<Event>(options);
  const { headerName, maxOutcomeBytes, store, leaseMs } = lifecycle.options;
  return async (invocation) => {
    const { event, context, runHandler, whenHandlerStopped = () => null } = invocation;
    const identity = identityOf(invocation);
    const exchange = new LambdaExchange({
      identity,
      request: readEventRequest(event),
      headerName,
      maxOutcomeBytes,
      whenHandlerStopped,
      runUnprotected: () => runHandler(undefined),
      runHandler: (httpContext) =>
        runAsInvocation(invocation, identity, () => runWithContext(event, httpContext, runHandler)),
    });
    if (!lifecycle.appliesTo(exchange.method, exchange.keyLines)) return await runHandler(undefined);
    await lifecycle.handle(event, exchange, { maxLeaseMs: maxLeaseMs(context) });
    if (exchange.awaitsRecording) await recordBeforeFreeze(store, { context, leaseMs });
    return await exchange.takeResult();
  };
}

async function runWithContext(event: object, httpContext: HttpContext, runHandler: RunHandler): Promise<unknown> {
  rememberContext(event, httpContext);
  try {
    return await runHandler(httpContext);
  } finally {
    forgetContext(event, httpContext);
  }
}
