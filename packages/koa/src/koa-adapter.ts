// What only Koa knows about one request: its middleware stack, its context, and how it writes a response.
import { isUint8Array } from 'node:util/types';
import { isFramingHeader, type OutgoingResponse } from '@onceguard/core/http';
import { type FrameworkAdapter, removeHeadersExcept, replayThroughMiddleware } from '@onceguard/core/node';
import type { Context, Next } from 'koa';

export interface KoaAdapter {
  readonly adapter: FrameworkAdapter;
  readonly downstream: DownstreamMiddleware;
}

/** The middleware and the handler after this one. They are entered at most once. */
export interface DownstreamMiddleware {
  /** Resolves when they are entered. */
  readonly entered: Promise<void>;
  /** Settles as they do. Undefined until they are entered. */
  readonly returned: Promise<void> | undefined;
  enter(): void;
}

export function createKoaAdapter(
  ctx: Context,
  next: Next,
  keyLines: readonly string[],
  { maxOutcomeBytes, store }: { maxOutcomeBytes: number; store: { name: string } },
): KoaAdapter {
  const downstream = downstreamOf(next);
  // The connection itself. While the response is captured, the request has a proxy in its place.
  const { socket } = ctx.req;
  const adapter: FrameworkAdapter = {
    req: ctx.req,
    res: ctx.res,
    originalUrl: ctx.originalUrl,
    keyLines,
    maxOutcomeBytes,
    storeName: store.name,
    routeTemplate: () => routeTemplateOf(ctx),
    parsedBody: () => Reflect.get(ctx.request, 'body'),
    // Parsers set `body` to an empty object or to undefined on a request whose type they do not parse.
    hasParser: () => 'body' in ctx.request,
    rawBody: () => rawBodyOfContext(ctx),
    passThrough: () => downstream.enter(),
    runHandler: (context) => {
      ctx.state.idempotency = context;
      suppressConnectionErrors(ctx, socket);
      downstream.enter();
      return downstream.returned;
    },
    isUnrouted: () => isUnrouted(ctx),
    sendReplay: async (replay, onSendError) => {
      const respond = (response: OutgoingResponse) => respondThroughKoa(ctx, response);
      replayThroughMiddleware(ctx.req, ctx.res, replay, respond, onSendError);
    },
    sendRefusal: async (refusal) => respondThroughKoa(ctx, refusal),
  };
  return { adapter, downstream };
}

/** Both routers for Koa set `_matchedRoute`, with the prefix of the router, before they run the middleware of a route. */
function routeTemplateOf(ctx: Context): string | undefined {
  const matched: unknown = Reflect.get(ctx, '_matchedRoute');
  return typeof matched === 'string' ? matched : undefined;
}

function downstreamOf(next: Next): DownstreamMiddleware {
  let returned: Promise<void> | undefined;
  let resolveEntered = () => {};
  const entered = new Promise<void>((resolve) => {
    resolveEntered = resolve;
  });
  return {
    entered,
    get returned() {
      return returned;
    },
    enter() {
      returned = next().catch(rethrowAsError);
      resolveEntered();
    },
  };
}

/** Koa does not notice a rejection without a value, and would never respond. */
function rethrowAsError(thrown: unknown): never {
  if (thrown !== undefined && thrown !== null) throw thrown;
  throw new Error(`The middleware rejected with ${String(thrown)} instead of an Error.`);
}

/** koa-bodyparser keeps the source text of what it parsed. */
function rawBodyOfContext(ctx: Context): Uint8Array | string | undefined {
  const source: unknown = Reflect.get(ctx.request, 'rawBody');
  return typeof source === 'string' || isUint8Array(source) ? source : undefined;
}

/**
 * Koa responds to an error of the connection with a 500. The capture hides from Koa that the client has disconnected, except from a
 * listener that Koa added to the response before. This filters the error out there.
 */
function suppressConnectionErrors(ctx: Context, socket: { readonly errored?: unknown } | null | undefined): void {
  const { onerror } = ctx;
  ctx.onerror = (error: Error) => {
    const fromConnection = error !== null && error !== undefined && error === socket?.errored;
    if (!fromConnection) return onerror.call(ctx, error);
    ctx.app.emit('error', Object.assign(error, { headerSent: true }), ctx);
  };
}

/** The 404 that Koa makes where no middleware has responded, and the 405 of a router's `allowedMethods`. */
function isUnrouted(ctx: Context): boolean {
  if (Reflect.get(ctx, '_matchedRoute') !== undefined) return false;
  const hasRouter = Reflect.get(ctx, 'matched') !== undefined;
  return ctx.status === 405 ? hasRouter : Reflect.get(ctx.response, '_explicitStatus') !== true;
}

/** Sets the response on the context, so that sessions, compression and other outer middleware treat it like any response. */
function respondThroughKoa(ctx: Context, { status, reason, headers, body }: OutgoingResponse): void {
  ctx.status = status;
  // HTTP/2 has no reason phrase, and Node warns of one.
  if (reason !== undefined && ctx.req.httpVersionMajor < 2) ctx.message = reason;
  removeHeadersExcept(ctx.res, headers);
  ctx.body = body;
  ctx.remove('Content-Type');
  for (const [name, value] of headers) {
    // Koa and Node set the framing, whatever a record says.
    if (!isFramingHeader(name)) ctx.set(name, typeof value === 'string' ? value : [...value]);
  }
}
