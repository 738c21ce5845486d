// Express in the adapter suite.
import { Readable } from 'node:stream';
import type { IdempotencyStore } from '@onceguard/core';
import * as adapter from '@onceguard/express';
import { keepRawBody } from '@onceguard/express';
import timeout from 'connect-timeout';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import express4 from 'express4';
import multer from 'multer';
import type {
  AppSpec,
  Call,
  Framework,
  LayerAction,
  LayerResult,
  Listener,
  Options,
  Reply,
  TimeoutLayer,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { nodeHeaders } from '../../../packages/testing/src/adapter-suite/node-headers.js';
import { expressOverHttp2 } from '../http2-express.js';

/** `library` is Express itself, for tests that mount things their own way. */
export interface ExpressFramework extends Framework {
  listener(spec: AppSpec): Listener;
  readonly library: typeof express;
}

export const frameworks: readonly ExpressFramework[] = [
  onExpress('Express 4', express4 as unknown as typeof express),
  onExpress('Express 5', express),
  {
    ...onExpress('Express 5 over HTTP/2', expressOverHttp2),
    transport: 'HTTP/2',
    // The wrapper does not support an application inside of another.
    routers: routersMountedTwice(expressOverHttp2),
  },
];

export function isExpress(framework: Framework): framework is ExpressFramework {
  return framework.name.startsWith('Express');
}

function onExpress(name: string, library: typeof express): ExpressFramework {
  return {
    name,
    library,
    transport: 'HTTP/1',
    lacks: {
      silentLayers: 'A layer that neither responds nor passes a request on leaves it without a response.',
      routedLayers: 'A 404 or 405 that a layer sends before the routes counts as that of no route, and frees the key.',
      handlerEnd:
        'Express does not tell when a handler has ended: a retry may run beside one that outlives its response.',
    },
    listener: (spec) => expressListener(library, spec),
    header: (native, name) => (native as Request).get(name),
    parsedBody: (native) => (native as Request).body as unknown,
    layer: expressLayer,
    nodeLayer: (run) => run,
    bodyLayer: expressBodyLayer,
    middleware: expressMiddleware,
    packageName: '@onceguard/express',
    routers: { ...routersMountedTwice(library), ...applicationsMountedTwice(library) },
    timeouts: expressTimeouts(),
  };
}

type Routers = NonNullable<Framework['routers']>;

function routersMountedTwice(library: typeof express): Routers {
  return {
    'a router mounted twice': (spec) => {
      const router = library.Router();
      router.post('/pay', expressMiddleware(spec.store, spec.options), expressHandler(spec));
      return library().use('/a', router).use('/b', router);
    },
  };
}

function applicationsMountedTwice(library: typeof express): Routers {
  return {
    'an application mounted twice': (spec) => {
      const inner = library();
      inner.use(expressMiddleware(spec.store, spec.options), expressHandler(spec));
      return library().use('/a', inner).use('/b', inner);
    },
  };
}

/** The adapter's options are generic in the native request, which a suite for all frameworks cannot name. */
export function expressMiddleware(
  store: IdempotencyStore,
  options: Options = {},
  { idempotency }: Partial<typeof adapter> = adapter,
): RequestHandler {
  const make = idempotency as unknown as (options: object) => RequestHandler;
  return make({ store, scope: 'public', ...options });
}

function expressListener(make: typeof express, spec: AppSpec): Listener {
  const app = make();
  app.set('env', spec.env ?? 'test');
  for (const layer of spec.outer ?? []) app.use(layer as RequestHandler);
  for (const parser of expressParsers(make, spec)) app.use(parser);
  if (!spec.plain) app.use(expressMiddleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as RequestHandler);
  // A route, so that its response counts as routed.
  if (!spec.unrouted) app.all(/.*/, expressHandler(spec));
  const { handled } = spec;
  if (handled === undefined) return app;
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    handled.push(error);
    res.status(500).send('handled');
  });
  return app;
}

function expressParsers(make: typeof express, { parser = 'json' }: AppSpec): RequestHandler[] {
  if (parser === 'none') return [];
  if (parser === 'all as JSON') return [make.json({ type: () => true })];
  const verify = parser === 'source kept' ? { verify: keepRawBody } : {};
  return [
    make.json({ limit: '1mb', ...verify }),
    make.urlencoded({ extended: true, ...verify }),
    make.text(),
    make.raw({ type: 'application/octet-stream' }),
    ...(parser === 'multipart' ? [multer().any()] : []),
  ];
}

/** Express 5 handles a rejected promise itself; for Express 4 it is passed to next(). */
function expressHandler({ handler }: AppSpec): RequestHandler {
  return (req, res, next) => {
    const call: Call = {
      req,
      res,
      hijack: () => {},
      native: req,
      body: req.body,
      context: req.idempotency,
      headers: nodeHeaders(res),
      get headersSent() {
        return res.headersSent;
      },
    };
    Promise.resolve()
      .then(() => handler(call))
      .then((reply) => expressReply(res, reply))
      .catch(next);
  };
}

function expressReply(res: Response, reply: Reply): void {
  if (reply === 'raw' || reply === 'native') return;
  res.status(reply.status ?? 200);
  res.set(reply.headers ?? {});
  if (reply.body instanceof Readable) reply.body.pipe(res);
  else res.send(reply.body);
}

function expressLayer(action: LayerAction): RequestHandler {
  return (req, res, next) => {
    const result = action({ req, native: req, context: req.idempotency, headers: nodeHeaders(res) });
    if (result === undefined) return next();
    if (!(result instanceof Promise)) return endLayer(res, result, next);
    void result.then((late) => res.headersSent || endLayer(res, late, () => {}));
    next();
  };
}

function endLayer(res: Response, result: LayerResult, next: NextFunction): void {
  if (result === 'unrouted') next('router');
  else if (result === 'close') res.destroy();
  else if (result !== undefined) expressReply(res, result);
}

function expressBodyLayer(change: (body: string) => string): RequestHandler {
  return (_req, res, next) => {
    const { end } = res;
    res.end = ((chunk: string | Uint8Array) => {
      const changed = Buffer.from(change(Buffer.from(chunk).toString()));
      res.setHeader('Content-Length', changed.length);
      return end.call(res, changed, 'utf8');
    }) as typeof end;
    next();
  };
}

function expressTimeouts(): Readonly<Record<string, TimeoutLayer>> {
  return {
    'connect-timeout inside': { status: 503, keepsKey: false, mount: (up) => ({ inner: connectTimeout(up) }) },
    'connect-timeout outside': { status: 503, keepsKey: false, mount: (up) => ({ outer: connectTimeout(up) }) },
    'an inner timer that sends 408': { status: 408, keepsKey: false, mount: (up) => ({ inner: [timer(up)] }) },
    'an outer timer that sends 408': { status: 408, keepsKey: false, mount: (up) => ({ outer: [timer(up)] }) },
  };
}

/** connect-timeout. The test triggers the time-out that its own timer would trigger. */
function connectTimeout(timeIsUp: () => Promise<void>): readonly RequestHandler[] {
  const expire: RequestHandler = (req, _res, next) => {
    void timeIsUp().then(() => req.emit('timeout', 3_600_000));
    next();
  };
  return [timeout('1h'), expire];
}

function timer(timeIsUp: () => Promise<void>): RequestHandler {
  return (_req, res, next) => {
    void timeIsUp().then(() => res.headersSent || res.status(408).json({ error: 'Time is up.' }));
    next();
  };
}
