// What only Hono knows about one request: its context, what it has read of the body, and its routes.
import { drainStore, type IdempotencyStore } from '@onceguard/core';
import { attachContext, type KnownBody, toHeaderEntries, type WebAdapter } from '@onceguard/core/web';
import type { Context, Env, Next } from 'hono';
import { matchedRoutes } from 'hono/route';

export function createHonoAdapter<E extends Env>(
  c: Context<E>,
  next: Next,
  { store }: { store: IdempotencyStore },
): WebAdapter {
  const request = c.req.raw;
  return {
    request,
    passThrough: () => responseOf(c, next),
    runHandler(context) {
      (c as Context).set('idempotency', context);
      attachContext(request, context);
      return responseOf(c, next);
    },
    routeTemplate: () => routesOf(c)?.find(({ handler }) => !isMiddleware(handler))?.path,
    knownBody: () => knownBody(c),
    outerHeaders: () => preparedHeaders(c),
    outerResponse: () => (c.finalized ? c.res : undefined),
    isUnrouted: () => routesOf(c)?.every(({ handler }) => isMiddleware(handler)) ?? false,
    onClientGone: (listener) => onClose(nodeResponseOf(c), listener),
    waitUntil: (work) => executionContextOf(c)?.waitUntil(work.then(() => drainStore(store))),
  };
}

/** Sets the response in place of whatever the context has. Otherwise Hono would merge the headers of both. */
export function setResponse(c: Context, response: Response): void {
  if (c.finalized && c.res === response) return;
  c.res = undefined;
  c.res = response;
}

/** Hono keeps the response on the context. Where no handler has responded, reading it would create an empty one. */
async function responseOf<E extends Env>(c: Context<E>, next: Next): Promise<Response> {
  await next();
  if (c.finalized) return c.res;
  throw new Error('No handler has responded. Return a Response from the handler, and await next() in each middleware.');
}

/**
 * The headers that outer middleware has set for the response. They are read from a response that is thrown away: `c.res` would create one
 * that stays, and Hono would put its headers on every Response that the handler makes itself.
 */
function preparedHeaders<E extends Env>(c: Context<E>) {
  return toHeaderEntries(c.body(null).headers);
}

/** What a validator, or a function among the options, has read already: Hono keeps it. Undefined: nothing was read. */
async function knownBody<E extends Env>({ req }: Context<E>): Promise<KnownBody | undefined> {
  const { formData, arrayBuffer } = req.bodyCache;
  // Hono would write the fields as multipart, with a boundary that differs each time.
  if (formData !== undefined && arrayBuffer === undefined) return { parsed: pairsOf(await req.formData()) };
  const isRead = Object.keys(req.bodyCache).length > 0;
  return isRead ? { bytes: new Uint8Array(await req.arrayBuffer()) } : undefined;
}

/** The form itself where it has files, which have no form that can be compared. */
function pairsOf(form: FormData): URLSearchParams | FormData {
  const pairs = new URLSearchParams();
  for (const [name, value] of form) {
    if (typeof value !== 'string') return form;
    pairs.append(name, value);
  }
  return pairs;
}

/** Undefined where the application is made by another copy of Hono (CommonJS beside ESM), which keeps its routes under another symbol. */
function routesOf<E extends Env>(c: Context<E>) {
  try {
    return matchedRoutes(c as Context);
  } catch {
    return undefined;
  }
}

/** Middleware takes `next` as its second argument. Where nothing else matched, Hono has responded with its own 404. */
function isMiddleware(handler: { readonly length: number }): boolean {
  return handler.length > 1;
}

/** The parts of a response of node:http that are used here. */
interface NodeResponse {
  readonly writableFinished: boolean;
  readonly closed: boolean;
  once(event: 'close', listener: () => void): unknown;
  removeListener(event: 'close', listener: () => void): unknown;
}

/** What `@hono/node-server` passes as a binding. Undefined on other servers, and with HTTP/2, whose responses do not say that they finished. */
function nodeResponseOf<E extends Env>({ env }: Context<E>): NodeResponse | undefined {
  const { outgoing } = (env ?? {}) as { outgoing?: Partial<NodeResponse> };
  return typeof outgoing?.writableFinished === 'boolean' ? (outgoing as NodeResponse) : undefined;
}

function onClose(outgoing: NodeResponse | undefined, listener: () => void): (() => void) | undefined {
  if (outgoing === undefined) return undefined;
  const closed = () => {
    if (!outgoing.writableFinished) listener();
  };
  if (outgoing.closed) closed();
  else outgoing.once('close', closed);
  return () => outgoing.removeListener('close', closed);
}

/** Undefined on Node and Bun, where Hono throws: nothing has to be kept awake there. An error a request is expensive, so Node is asked first. */
function executionContextOf<E extends Env>(c: Context<E>) {
  if (nodeResponseOf(c) !== undefined) return undefined;
  try {
    return c.executionCtx;
  } catch {
    return undefined;
  }
}
