// The frameworks that the adapter suite runs on, behind one way to mount a handler and to give its response.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { IdempotencyStore } from '@onceguard/core';
import type { HttpContext, HttpOptions } from '@onceguard/core/http';
import { idempotency as expressIdempotency, keepRawBody } from '@onceguard/express';
import { idempotency as koaIdempotency } from '@onceguard/koa';
import express, { type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import Koa, { type Context } from 'koa';
import bodyParser from 'koa-bodyparser';
import Koa2 from 'koa2';
import { http2Ports } from './http2-client.js';
import { expressOverHttp2 } from './http2-express.js';

/** The listener for node:http. Koa's returns a promise, which nobody awaits. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** What a handler gets, whatever the framework. */
export interface Call {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly body: unknown;
  /** Express' request or Koa's context, for what only one of them has. */
  readonly native: Request | Context;
  readonly context: HttpContext | undefined;
}

/**
 * How a handler responds: in the framework's own way; `raw` where it writes to `call.res` itself; `native` where it has
 * responded through `call.native`.
 */
export type Reply =
  | 'raw'
  | 'native'
  | { readonly status?: number; readonly headers?: Record<string, string | string[]>; readonly body?: unknown };

export type Handler = (call: Call) => Reply | Promise<Reply>;

/** The options common to both adapters; functions get the native request. */
export type Options = Partial<Omit<HttpOptions<never>, 'scope' | 'key' | 'skip' | 'fingerprint'>> & {
  readonly scope?: unknown;
  readonly key?: unknown;
  readonly skip?: unknown;
  readonly fingerprint?: unknown;
};

export interface AppSpec {
  readonly store: IdempotencyStore;
  /** Handles every method and path under the middleware. */
  readonly handler: Handler;
  readonly options?: Options;
  /**
   * `json` (default): JSON, text and forms are parsed; `raw`: the same, with the source kept; `none`: nothing is
   * parsed.
   */
  readonly parser?: 'json' | 'raw' | 'none';
  /** Native middleware outside of (before) the idempotency middleware, and inside of it. */
  readonly outer?: readonly unknown[];
  readonly inner?: readonly unknown[];
  /** Gives the application an error handler, which adds each error here and responds with 500 `handled`. */
  readonly handled?: unknown[];
  /** Express' own error handler shows stacks, except in production. Default `test`. */
  readonly env?: 'test' | 'production';
  /** The same application without the idempotency middleware, for comparison. */
  readonly plain?: boolean;
}

export interface RunningApp {
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** How requests arrive. Over HTTP/2 there are no reason phrases, no pipelining and no socket for one request alone. */
export type Transport = 'HTTP/1' | 'HTTP/2';

interface FrameworkBase {
  readonly name: 'Express 4' | 'Express 5' | 'Koa 2' | 'Koa 3' | 'Express 5 over HTTP/2' | 'Koa 3 over HTTP/2';
  readonly transport: Transport;
  listener(spec: AppSpec): Listener;
}

/** `library` is the framework itself, for tests that mount things their own way. */
export type Framework = FrameworkBase &
  (
    | { readonly family: 'express'; readonly library: typeof express }
    | { readonly family: 'koa'; readonly library: typeof Koa }
  );

export const frameworks: readonly Framework[] = [
  onExpress('Express 4', express4 as unknown as typeof express),
  onExpress('Express 5', express),
  onKoa('Koa 2', Koa2 as unknown as typeof Koa),
  onKoa('Koa 3', Koa),
];

/** The same over HTTP/2, by the compatibility API of node:http2. */
export const frameworksOverHttp2: readonly Framework[] = [
  onExpress('Express 5 over HTTP/2', expressOverHttp2, 'HTTP/2'),
  onKoa('Koa 3 over HTTP/2', Koa, 'HTTP/2'),
];

function onExpress(name: Framework['name'], library: typeof express, transport: Transport = 'HTTP/1'): Framework {
  return { name, transport, family: 'express', library, listener: (spec) => expressListener(library, spec) };
}

function onKoa(name: Framework['name'], library: typeof Koa, transport: Transport = 'HTTP/1'): Framework {
  return { name, transport, family: 'koa', library, listener: (spec) => koaListener(library, spec) };
}

/** Starts an application on a free loopback port. */
export async function start(framework: Framework, spec: AppSpec): Promise<RunningApp> {
  return await serve(framework.listener(spec), framework.transport);
}

export async function serve(listener: Listener, transport: Transport = 'HTTP/1'): Promise<RunningApp> {
  if (transport === 'HTTP/2') return await serveHttp2(listener);
  const server = createServer((req, res) => void listener(req, res)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { port, server, close };
}

async function serveHttp2(listener: Listener): Promise<RunningApp> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server((req, res) => {
    void listener(req as unknown as IncomingMessage, res as unknown as ServerResponse);
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  http2Ports.add(port);
  const close = async () => {
    for (const session of sessions) session.destroy();
    server.close();
    await once(server, 'close');
    http2Ports.delete(port);
  };
  return { port, server: server as unknown as Server, close };
}

/** The adapters' options are generic in the native request, which a suite for all frameworks cannot name. */
export function expressMiddleware(store: IdempotencyStore, options: Options = {}) {
  return expressIdempotency({ store, scope: 'public', ...options } as Parameters<typeof expressIdempotency>[0]);
}

export function koaMiddleware(store: IdempotencyStore, options: Options = {}) {
  return koaIdempotency({ store, scope: 'public', ...options } as Parameters<typeof koaIdempotency>[0]);
}

function expressListener(make: typeof express, spec: AppSpec): Listener {
  const app = make();
  app.set('env', spec.env ?? 'test');
  for (const layer of spec.outer ?? []) app.use(layer as express.RequestHandler);
  if (spec.parser !== 'none') {
    const verify = spec.parser === 'raw' ? { verify: keepRawBody } : {};
    app.use(make.json({ limit: '1mb', ...verify }), make.urlencoded({ extended: true, ...verify }), make.text());
    app.use(make.raw({ type: 'application/octet-stream' }));
  }
  if (!spec.plain) app.use(expressMiddleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as express.RequestHandler);
  // A route, so that its response counts as routed. Express 5 handles a rejected promise itself; for Express 4 it is
  // passed to next().
  app.all(/.*/, (req: Request, res: Response, next: NextFunction) => {
    const call = { req, res, body: req.body, native: req, context: req.idempotency };
    Promise.resolve()
      .then(() => spec.handler(call))
      .then((reply) => expressReply(res, reply))
      .catch(next);
  });
  const { handled } = spec;
  if (handled === undefined) return app;
  app.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    handled.push(error);
    res.status(500).send('handled');
  });
  return app;
}

function expressReply(res: Response, reply: Reply): void {
  if (reply === 'raw' || reply === 'native') return;
  res.status(reply.status ?? 200);
  res.set(reply.headers ?? {});
  res.send(reply.body);
}

function koaListener(Application: typeof Koa, spec: AppSpec): Listener {
  const app = new Application();
  app.silent = true;
  const { handled } = spec;
  if (handled !== undefined) app.use(koaErrorHandler(handled));
  for (const layer of spec.outer ?? []) app.use(layer as Koa.Middleware);
  if (spec.parser !== 'none')
    app.use(bodyParser({ enableTypes: ['json', 'form', 'text'] }) as unknown as Koa.Middleware);
  if (!spec.plain) app.use(koaMiddleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as Koa.Middleware);
  app.use(async (ctx) => {
    const body: unknown = Reflect.get(ctx.request, 'body');
    koaReply(
      ctx,
      await spec.handler({ req: ctx.req, res: ctx.res, body, native: ctx, context: ctx.state.idempotency }),
    );
  });
  return app.callback();
}

function koaErrorHandler(handled: unknown[]): Koa.Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      handled.push(error);
      ctx.status = 500;
      ctx.body = 'handled';
    }
  };
}

function koaReply(ctx: Context, reply: Reply): void {
  if (reply === 'raw') {
    ctx.respond = false;
    return;
  }
  if (reply === 'native') return;
  ctx.status = reply.status ?? 200;
  ctx.set(reply.headers ?? {});
  ctx.body = reply.body;
}
