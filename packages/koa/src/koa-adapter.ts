// Koa's side of an exchange: its stack writes after it has returned, and asks the socket before it does.
import { isUint8Array } from 'node:util/types';
import { isFramingHeader, type OutgoingResponse } from '@onceguard/core/http';
import { type FrameworkAdapter, removeHeadersExcept, replayThroughMiddleware } from '@onceguard/core/node';
import type { Context, Next } from 'koa';

export interface KoaAdapter {
  readonly adapter: FrameworkAdapter;
  readonly downstream: DownstreamMiddleware;
}

/** The stack inside of the middleware, entered at most once. */
export interface DownstreamMiddleware {
  /** Resolves when it is entered. */
  readonly entered: Promise<void>;
  /** Settles as it does; absent until it is entered. */
  readonly returned: Promise<void> | undefined;
  enter(): void;
}

export function createKoaAdapter(
  ctx: Context,
  next: Next,
  { maxOutcomeBytes, store }: { maxOutcomeBytes: number; store: { name: string } },
): KoaAdapter {
  const downstream = downstreamOf(next);
  // The connection itself: while the answer is captured, the request has a stand-in for it.
  const { socket } = ctx.req;
  const adapter: FrameworkAdapter = {
    req: ctx.req,
    res: ctx.res,
    originalUrl: ctx.originalUrl,
    maxOutcomeBytes,
    storeName: store.name,
    parsedBody: () => Reflect.get(ctx.request, 'body'),
    // Parsers leave an empty object, or the member alone, on a request whose type they do not parse.
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

function downstreamOf(next: Next): DownstreamMiddleware {
  let returned: Promise<void> | undefined;
  let tellEntered = () => {};
  const entered = new Promise<void>((resolve) => {
    tellEntered = resolve;
  });
  return {
    entered,
    get returned() {
      return returned;
    },
    enter() {
      returned = next().catch(rethrowAsError);
      tellEntered();
    },
  };
}

/** Koa takes a rejection without a value for none, and would never answer. */
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
 * Koa answers a connection that fails with that failure, as a 500. The capture hides from the rest of Koa that the client
 * has gone; this it hears from a listener that it hung on the response before.
 */
function suppressConnectionErrors(ctx: Context, socket: { readonly errored?: unknown } | null | undefined): void {
  const onerror = ctx.onerror;
  ctx.onerror = (error: Error) => {
    const fromConnection = error !== null && error !== undefined && error === socket?.errored;
    if (!fromConnection) return onerror.call(ctx, error);
    ctx.app.emit('error', Object.assign(error, { headerSent: true }), ctx);
  };
}

/** What Koa says by itself where nothing in the stack has answered, and what `allowedMethods` of a router says. */
function isUnrouted(ctx: Context): boolean {
  if (Reflect.get(ctx, '_matchedRoute') !== undefined) return false;
  const hasRouter = Reflect.get(ctx, 'matched') !== undefined;
  return ctx.status === 405 ? hasRouter : Reflect.get(ctx.response, '_explicitStatus') !== true;
}

/** Through the context, so that session, compression and what else is outside work as for any answer. */
function respondThroughKoa(ctx: Context, { status, reason, headers, body }: OutgoingResponse): void {
  ctx.status = status;
  // HTTP/2 has no reason phrase, and Node warns of one.
  if (reason !== undefined && ctx.req.httpVersionMajor < 2) ctx.message = reason;
  removeHeadersExcept(ctx.res, headers);
  ctx.body = body;
  ctx.remove('Content-Type');
  for (const [name, value] of headers) {
    // Koa and Node set how the answer is cut, whatever a record says.
    if (!isFramingHeader(name)) ctx.set(name, typeof value === 'string' ? value : [...value]);
  }
}
