// Wraps a handler that takes a Request, or something that has one, and returns a Response.
import { drainStore } from '@onceguard/core';
import { attachContext, createWebLifecycle, type WebAdapter } from '@onceguard/core/web';
import { findRequest, requireRequest } from './find-request.js';
import { type HandlerArguments, type HandlerOptions, type IdempotencyOptions, splitOptions } from './options.js';

/**
 * Wraps a handler so that a request repeated with the same key runs once, and every repeat gets the recorded response. Authenticate and
 * authorise before: a replay runs nothing of the handler. Throws a `ConfigurationError` that names every invalid option.
 *
 * The body is read before the handler runs, up to `maxRequestBytes`, and the request gives it once more. `request.signal` is the signal of
 * the execution. `docs/http.md` describes what a repeat gets. The wrapped handler rejects with what the handler threw, and with errors of
 * the application's own functions, for the framework's error handling.
 *
 * @example
 * export const POST = withIdempotency(
 *   async (request: Request) => Response.json(await pay(await request.json()), { status: 201 }),
 *   { store, scope: (request) => userOf(request).id },
 * );
 */
export function withIdempotency<Args extends HandlerArguments>(
  handler: (...args: Args) => Response | Promise<Response>,
  options: IdempotencyOptions<Args>,
): (...args: Args) => Promise<Response> {
  const [handlerOptions, webOptions] = splitOptions(options);
  const lifecycle = createWebLifecycle<Args[0]>(webOptions);
  const { request: requestIn = findRequest } = handlerOptions;
  return async (...args) => {
    const request = requireRequest(requestIn(args[0]));
    if (!lifecycle.appliesTo(request)) return await handler(...args);
    const adapter = createAdapter(request, args, handler, handlerOptions);
    return await lifecycle.respond(args[0], { ...adapter, ...waitUntilRecorded(args, handlerOptions, webOptions) });
  };
}

function createAdapter<Args extends HandlerArguments>(
  request: Request,
  args: Args,
  handler: (...args: Args) => Response | Promise<Response>,
  { responseOf, parsedBody, isUnrouted }: HandlerOptions<Args>,
): WebAdapter {
  return {
    request,
    runHandler(context) {
      attachContext(request, context);
      if (typeof args[0] === 'object' && args[0] !== null) attachContext(args[0], context);
      return handler(...args);
    },
    passThrough: () => handler(...args),
    ...(responseOf === undefined ? {} : { responseOf }),
    ...(isUnrouted === undefined ? {} : { isUnrouted }),
    ...(parsedBody === undefined ? {} : { knownBody: () => knownBody(parsedBody(args[0])) }),
  };
}

function knownBody(parsed: unknown) {
  return parsed === undefined ? undefined : { parsed };
}

/** Outcomes that the store could not take at once are recorded after the response. */
function waitUntilRecorded<Args extends HandlerArguments>(
  args: Args,
  { waitUntil }: HandlerOptions<Args>,
  { store }: Pick<IdempotencyOptions<Args>, 'store'>,
): Pick<WebAdapter, 'waitUntil'> {
  if (waitUntil === undefined) return {};
  return {
    waitUntil: (work) =>
      waitUntil(
        work.then(() => drainStore(store)),
        ...args,
      ),
  };
}
