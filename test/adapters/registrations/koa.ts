// Koa in the adapter suite.
import Router from '@koa/router';
import type { IdempotencyStore } from '@onceguard/core';
import * as adapter from '@onceguard/koa';
import Koa, { type Context, type Middleware } from 'koa';
import bodyParser from 'koa-bodyparser';
import Koa2 from 'koa2';
import multer from 'multer';
import type {
  AppSpec,
  Call,
  Framework,
  LayerAction,
  LayerResult,
  Listener,
  NodeLayer,
  Options,
  Reply,
  TimeoutLayer,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { nodeHeaders } from '../../../packages/testing/src/adapter-suite/node-headers.js';

/** `library` is Koa itself, for tests that mount things their own way. */
export interface KoaFramework extends Framework {
  listener(spec: AppSpec): Listener;
  readonly library: typeof Koa;
}

export const frameworks: readonly KoaFramework[] = [
  onKoa('Koa 2', Koa2 as unknown as typeof Koa),
  onKoa('Koa 3', Koa),
  { ...onKoa('Koa 3 over HTTP/2', Koa), transport: 'HTTP/2' },
];

export function isKoa(framework: Framework): framework is KoaFramework {
  return framework.name.startsWith('Koa');
}

function onKoa(name: string, library: typeof Koa): KoaFramework {
  return {
    name,
    library,
    transport: 'HTTP/1',
    lacks: {},
    listener: (spec) => koaListener(library, spec),
    header: (native, header) => (native as Context).get(header) || undefined,
    parsedBody: (native) => bodyOf(native as Context),
    layer: koaLayer,
    nodeLayer: koaNodeLayer,
    bodyLayer: (change) => async (ctx: Context, next: Koa.Next) => {
      await next();
      ctx.body = change(typeof ctx.body === 'string' ? ctx.body : JSON.stringify(ctx.body));
    },
    middleware: koaMiddleware,
    packageName: '@onceguard/koa',
    routers: {
      'a router mounted twice': (spec) => {
        const router = new Router();
        router.post('/pay', koaMiddleware(spec.store, spec.options), koaHandler(spec));
        const outer = new Router().use('/a', router.routes()).use('/b', router.routes());
        return new library().use(outer.routes()).callback();
      },
      'an application mounted twice': (spec) => {
        const application = new library();
        // Like koa-mount: the inner application sees only its own part of the path.
        application.use(async (ctx, next) => {
          ctx.path = ctx.path.slice(2);
          await next();
        });
        return application.use(koaMiddleware(spec.store, spec.options)).use(koaHandler(spec)).callback();
      },
    },
    timeouts: koaTimeouts(),
  };
}

/** The adapter's options are generic in the native request, which a suite for all frameworks cannot name. */
export function koaMiddleware(
  store: IdempotencyStore,
  options: Options = {},
  { idempotency }: Partial<typeof adapter> = adapter,
): Middleware {
  const make = idempotency as unknown as (options: object) => Middleware;
  return make({ store, scope: 'public', ...options });
}

function koaListener(Application: typeof Koa, spec: AppSpec): Listener {
  const app = new Application();
  app.silent = true;
  const { handled } = spec;
  if (handled !== undefined) app.use(koaErrorHandler(handled));
  for (const layer of spec.outer ?? []) app.use(layer as Middleware);
  for (const parser of koaParsers(spec)) app.use(parser);
  if (!spec.plain) app.use(koaMiddleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as Middleware);
  if (!spec.unrouted) app.use(koaHandler(spec));
  return app.callback();
}

/** koa-bodyparser keeps the source of what it parses in any case. */
function koaParsers({ parser = 'json' }: AppSpec): Middleware[] {
  if (parser === 'none') return [];
  if (parser === 'all as JSON') return [parserOf({ enableTypes: ['json'], detectJSON: () => true })];
  return [
    parserOf({ enableTypes: ['json', 'form', 'text'] }),
    parseBytes,
    ...(parser === 'multipart' ? [parseMultipart] : []),
  ];
}

function parserOf(options: Parameters<typeof bodyParser>[0]): Middleware {
  return bodyParser(options) as unknown as Middleware;
}

async function parseBytes(ctx: Context, next: Koa.Next): Promise<void> {
  if (ctx.request.is('application/octet-stream') === 'application/octet-stream') {
    const chunks: Buffer[] = [];
    for await (const chunk of ctx.req) chunks.push(chunk);
    Reflect.set(ctx.request, 'body', Buffer.concat(chunks));
  }
  await next();
}

/** multer leaves the fields on the request of node:http. */
async function parseMultipart(ctx: Context, next: Koa.Next): Promise<void> {
  const parse = multer().any() as unknown as NodeLayer;
  await new Promise<void>((resolve, reject) => {
    parse(ctx.req, ctx.res, (error) => (error ? reject(error) : resolve()));
  });
  Reflect.set(ctx.request, 'body', Reflect.get(ctx.req, 'body'));
  await next();
}

function koaErrorHandler(handled: unknown[]): Middleware {
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

function koaHandler({ handler }: AppSpec): Middleware {
  return async (ctx) => {
    const call: Call = {
      req: ctx.req,
      res: ctx.res,
      hijack: () => {
        ctx.respond = false;
      },
      native: ctx,
      body: bodyOf(ctx),
      context: ctx.state.idempotency,
      headers: nodeHeaders(ctx.res),
      get headersSent() {
        return ctx.res.headersSent;
      },
    };
    koaReply(ctx, await handler(call));
  };
}

function bodyOf(ctx: Context): unknown {
  return Reflect.get(ctx.request, 'body');
}

function koaReply(ctx: Context, reply: Reply): void {
  if (reply === 'raw') ctx.respond = false;
  if (reply === 'raw' || reply === 'native') return;
  ctx.status = reply.status ?? 200;
  ctx.set(reply.headers ?? {});
  ctx.body = reply.body;
}

function koaLayer(action: LayerAction): Middleware {
  return async (ctx, next) => {
    const { req, state } = ctx;
    const result = action({ req, native: ctx, context: state.idempotency, headers: nodeHeaders(ctx.res) });
    if (result === undefined) return await next();
    if (!(result instanceof Promise)) return endLayer(ctx, result);
    await Promise.race([next(), result.then((late) => endLayer(ctx, late))]);
  };
}

function endLayer(ctx: Context, result: LayerResult): void {
  if (result === 'close') ctx.res.destroy();
  else if (result !== undefined && result !== 'unrouted') koaReply(ctx, result);
}

function koaNodeLayer(run: NodeLayer): Middleware {
  return async (ctx, next) => {
    await new Promise<void>((resolve, reject) => {
      run(ctx.req, ctx.res, (error) => (error ? reject(error) : resolve()));
    });
    await next();
  };
}

type TimeIsUp = () => Promise<void>;

function koaTimeouts(): Readonly<Record<string, TimeoutLayer>> {
  return {
    'an outer race that throws 408': { status: 408, keepsKey: true, mount: (up) => ({ outer: [race(408, up)] }) },
    'an outer race that throws 504': { status: 504, keepsKey: true, mount: (up) => ({ outer: [race(504, up)] }) },
    // An inner race hides the handler.
    'an inner race that throws 408': { status: 408, keepsKey: false, mount: (up) => ({ inner: [race(408, up)] }) },
    'an inner timer that ends the response with 408': {
      status: 408,
      keepsKey: true,
      mount: (up) => ({ inner: [timer(408, up)] }),
    },
  };
}

function race(status: number, timeIsUp: TimeIsUp): Middleware {
  return async (ctx, next) => await Promise.race([next(), timeIsUp().then(() => ctx.throw(status, 'Time is up.'))]);
}

function timer(status: number, timeIsUp: TimeIsUp): Middleware {
  return async (ctx, next) => {
    void timeIsUp().then(() => {
      ctx.res.statusCode = status;
      ctx.res.end('Time is up.');
    });
    await next();
  };
}
