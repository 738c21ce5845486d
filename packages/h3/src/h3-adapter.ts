// What only h3 knows about one request: its event, and the response that it makes of what a handler returns or throws.
import { drainStore, type IdempotencyStore } from '@onceguard/core';
import { attachContext, toHeaderEntries, type WebAdapter } from '@onceguard/core/web';
import { type H3Event, HTTPResponse, toResponse } from 'h3';

export function createH3Adapter(
  event: H3Event,
  next: () => unknown,
  { store }: { store: IdempotencyStore },
): WebAdapter<unknown> {
  const request: Request = event.req;
  return {
    request,
    cheapestBody: 'stream',
    passThrough: () => next(),
    runHandler(context) {
      event.context.idempotency = context;
      attachContext(request, context);
      return responseOf(event, next);
    },
    routeTemplate: () => event.context.matchedRoute?.route,
    outerHeaders: () => outerHeaders(event),
    outerResponse: () => (hasBeenSent(event) ? new HTTPResponse(null) : undefined),
    isUnrouted: () => event.context.matchedRoute === undefined,
    // The class of the server's adapter writes it in one piece, and with its length.
    createResponse: (body, parts) => new HTTPResponse(body, parts),
    waitUntil: (work) => event.waitUntil(work.then(() => drainStore(store))),
  };
}

/** An outer layer, such as a time-out, has responded. h3 says so on Node alone; what the middleware returns then is dropped. */
function hasBeenSent({ runtime }: H3Event): boolean {
  return runtime?.node?.res?.headersSent ?? false;
}

/** `next` gives what the handler returned. Only h3 knows the response that it makes of that, or of an error. */
async function responseOf(event: H3Event, next: () => unknown): Promise<Response> {
  // The hook `onResponse` is for the response that is sent.
  const { onResponse: _onResponse, ...config } = event.app?.config ?? {};
  return await toResponse(Promise.resolve().then(next), event, config);
}

/** Responses to errors have headers of their own, so both count: the record says which ones are missing from a response. */
function outerHeaders({ res }: H3Event) {
  const all = new Headers(res.errHeaders);
  res.headers.forEach((value, name) => {
    if (name === 'set-cookie') all.append(name, value);
    else all.set(name, value);
  });
  return toHeaderEntries(all);
}

/** They are in the response already. h3 would put them on it once more, cookies twice. */
export function clearOuterHeaders({ res }: H3Event): void {
  for (const headers of [res.headers, res.errHeaders]) for (const name of [...headers.keys()]) headers.delete(name);
}
