// @onceguard/express: a repeated request runs once and gets the recorded answer, behind Express 4 and 5.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { IdempotencyError } from '@onceguard/core';
import { createLifecycle, type HttpContext, type HttpOptions } from '@onceguard/core/http';
import { type FrameworkAdapter, headerLines, nodeExchange } from '@onceguard/core/node';
import type { NextFunction, Request } from 'express';
import { asTable } from './as-table.js';

export { defaultOmitHeaders, type HttpContext, httpPaymentPolicy, keepRawBody } from '@onceguard/core/http';

declare global {
  namespace Express {
    interface Request {
      /** Absent where the request brought no key. `idempotencyOf(req)` throws instead. */
      idempotency?: HttpContext;
    }
  }
}

/** A request of any route: with its parameters inferred by Express, not widened here. */
// biome-ignore lint/suspicious/noExplicitAny: the only spelling that every instantiation of Express' Request extends
type AnyRequest = Request<any, any, any, any>;

/** The options of `idempotency()`; functions among them get Express' request. */
export type IdempotencyOptions<R extends AnyRequest = Request> = HttpOptions<R>;

/**
 * Middleware for routes whose requests may be repeated. Mount it after authentication, authorisation and the body parser:
 *
 *     app.post('/payments', authenticate, mayPay, express.json(), idempotency({ store, scope: (req) => req.user.id }), pay);
 *
 * Throws a `ConfigurationError` for options that cannot be meant. `docs/http.md` says what a repeat gets.
 *
 * The middleware takes Node's request: Express' own would stand for one set of route parameters, which Express would then
 * infer for the whole route instead of those in its path.
 */
export function idempotency<R extends AnyRequest = Request>(
  options: IdempotencyOptions<R>,
): (req: IncomingMessage, res: ServerResponse, next: NextFunction) => void {
  const lifecycle = createLifecycle<R>(options);
  const { headerName, maxOutcomeBytes, store } = lifecycle.options;
  return (incoming, res, next) => {
    if (!lifecycle.appliesTo(incoming.method, headerLines(incoming, headerName))) return next();
    asTable(incoming, 'method');
    asTable(res, 'req');
    const req = incoming as R;
    const side: FrameworkAdapter = {
      req,
      res,
      originalUrl: req.originalUrl,
      maxOutcomeBytes,
      storeName: store.name,
      parsedBody: () => req.body,
      rawBody: () => rawBodyOfRequest(req),
      // Every version of body-parser leaves this mark, also on a request whose type it does not parse.
      hasParser: () => 'body' in req,
      passThrough: () => next(),
      runHandler: (context) => {
        req.idempotency = context;
        next();
      },
      isUnrouted: () => req.route === undefined || isNestCatchAllRoute(req.route),
    };
    lifecycle.handle(req, nodeExchange(side)).catch(next);
  };
}

/** Nest 12 answers under its global prefix, where no controller does, from a route of this form; its controllers have none such. */
function isNestCatchAllRoute(route: unknown): boolean {
  return typeof route === 'object' && route !== null && 'path' in route && route.path === '*path';
}

/** Nest with `rawBody: true`, and several function frameworks, keep the source of a body there. */
function rawBodyOfRequest(req: object): Uint8Array | undefined {
  const source: unknown = Reflect.get(req, 'rawBody');
  return isUint8Array(source) ? source : undefined;
}

/**
 * What this request's handler is told of its execution. Throws `context_missing` where the request brought no key, so that none
 * is left out downstream by oversight.
 */
export function idempotencyOf(req: AnyRequest): HttpContext {
  if (req.idempotency !== undefined) return req.idempotency;
  const remedy =
    'It brought no key, or idempotency() does not apply to it. Set required: true, or read req.idempotency.';
  throw new IdempotencyError('context_missing', `This request has no idempotency context. ${remedy}`);
}
