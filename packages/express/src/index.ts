// @onceguard/express: a repeated request runs once and gets the recorded response. For Express 4 and 5.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { IdempotencyError } from '@onceguard/core';
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import { type FrameworkAdapter, headerLines, nodeExchange } from '@onceguard/core/node';
import type { NextFunction, Request } from 'express';
import { routeTemplateOf } from './route-template.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';

declare global {
  namespace Express {
    interface Request {
      /** Undefined where the request has no key. `idempotencyOf(req)` throws instead. */
      idempotency?: HttpContext;
    }
  }
}

/** A request of any route. Express infers the route's parameters; this type must not widen them. */
// biome-ignore lint/suspicious/noExplicitAny: the only spelling that every instantiation of Express' Request extends
type AnyRequest = Request<any, any, any, any>;

/** The options of `idempotency()`. Functions among them receive Express' request. */
export type IdempotencyOptions<R extends AnyRequest = Request> = HttpOptions<R>;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication, authorisation and the body parser. Throws a
 * `ConfigurationError` that names every invalid option. `docs/http.md` describes what a repeat gets.
 *
 * The middleware takes Node's request. Express' own type has one set of route parameters, and Express would infer that set for the whole
 * route in place of the parameters in its path.
 *
 * @example
 * app.post('/payments', authenticate, mayPay, express.json(), idempotency({ store, scope: (req) => req.user.id }), pay);
 */
export function idempotency<R extends AnyRequest = Request>(
  options: IdempotencyOptions<R>,
): (req: IncomingMessage, res: ServerResponse, next: NextFunction) => void {
  const lifecycle = createLifecycle<R>(options);
  const { headerName } = lifecycle.options;
  return (incoming, res, next) => {
    const keyLines = headerLines(incoming, headerName);
    if (!lifecycle.appliesTo(incoming.method, keyLines)) return next();
    const req = incoming as R;
    lifecycle.handle(req, nodeExchange(new ExpressAdapter(req, res, next, keyLines, lifecycle.options))).catch(next);
  };
}

/** A class, so that a request creates one object and no functions. */
class ExpressAdapter implements FrameworkAdapter {
  readonly originalUrl: string;
  readonly maxOutcomeBytes: number;
  readonly storeName: string;

  constructor(
    readonly req: AnyRequest,
    readonly res: ServerResponse,
    private readonly next: NextFunction,
    readonly keyLines: readonly string[],
    { maxOutcomeBytes, store }: { readonly maxOutcomeBytes: number; readonly store: { readonly name: string } },
  ) {
    this.originalUrl = req.originalUrl;
    this.maxOutcomeBytes = maxOutcomeBytes;
    this.storeName = store.name;
  }

  routeTemplate(): string | undefined {
    return routeTemplateOf(this.req);
  }

  parsedBody(): unknown {
    return this.req.body;
  }

  rawBody(): Uint8Array | undefined {
    return rawBodyOfRequest(this.req);
  }

  /** Every version of body-parser sets `body`, also on a request whose type it does not parse. */
  hasParser(): boolean {
    return 'body' in this.req;
  }

  passThrough(): void {
    this.next();
  }

  runHandler(context: HttpContext): void {
    this.req.idempotency = context;
    this.next();
  }

  isUnrouted(): boolean {
    const { route } = this.req;
    return route === undefined || isNestCatchAllRoute(route);
  }
}

/** Under its global prefix, Nest 12 responds from a route of this form where no controller matches. No controller has such a route. */
function isNestCatchAllRoute(route: unknown): boolean {
  return typeof route === 'object' && route !== null && 'path' in route && route.path === '*path';
}

/** Nest with `rawBody: true`, and several function frameworks, keep the source of a body there. */
function rawBodyOfRequest(req: object): Uint8Array | undefined {
  const source: unknown = Reflect.get(req, 'rawBody');
  return isUint8Array(source) ? source : undefined;
}

/**
 * The context of this request's execution. Throws an `IdempotencyError` (`context_missing`) where the request has no key, so that no
 * downstream call omits the key by mistake.
 *
 * @example
 * const charge = await provider.charge(order, { idempotencyKey: idempotencyOf(req).deriveKey('charge') });
 */
export function idempotencyOf(req: AnyRequest): HttpContext {
  if (req.idempotency !== undefined) return req.idempotency;
  const remedy =
    'It brought no key, or idempotency() does not apply to it. Set required: true, or read req.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
