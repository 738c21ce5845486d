// Hono in the adapter suite.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { IdempotencyStore } from '@onceguard/core';
import * as adapter from '@onceguard/hono';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type {
  AppSpec,
  Call,
  Framework,
  LayerAction,
  LayerResult,
  Listener,
  Options,
  ResponseHeaders,
  TimeoutLayer,
  UnseenTimeoutLayer,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { errorResponse, lacksOfWebFrameworks, parsedBodyOf, toResponse } from './web-response.js';

interface Env {
  Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse };
  Variables: adapter.IdempotencyVariables;
}

export const frameworks: readonly Framework[] = [
  {
    name: 'Hono',
    transport: 'HTTP/1',
    lacks: {
      ...lacksOfWebFrameworks,
      unrouted: 'A layer cannot skip the routes after it. A request without a route frees its key.',
      silentLayers: 'A layer that ends without a response is an error for Hono.',
    },
    listener: honoListener,
    header: (native, name) => (native as Context<Env>).req.header(name),
    parsedBody: async (native) => await bodyOf(native as Context<Env>),
    layer: honoLayer,
    bodyLayer:
      (change): MiddlewareHandler =>
      async (c, next) => {
        await next();
        const { status, headers } = c.res;
        const changed = new Response(change(await c.res.text()), { status, headers });
        changed.headers.delete('content-length');
        c.res = undefined;
        c.res = changed;
      },
    middleware: honoMiddleware,
    packageName: '@onceguard/hono',
    routers: {
      'a router mounted twice': (spec) => {
        const router = new Hono<Env>();
        router.post('/pay', honoMiddleware(spec.store, spec.options), honoHandler(spec));
        return listenerOf(new Hono<Env>().route('/a', router).route('/b', router));
      },
      'an application mounted twice': (spec) => {
        const inner = new Hono<Env>();
        inner.all('*', honoMiddleware(spec.store, spec.options), honoHandler(spec));
        const env = (c: Context<Env>): [Env['Bindings'], undefined] => [c.env, undefined];
        const options = { optionHandler: env, replaceRequest: (request: Request) => request };
        return listenerOf(new Hono<Env>().mount('/a', inner.fetch, options).mount('/b', inner.fetch, options));
      },
    },
    timeouts: innerTimeouts(),
    unseenTimeouts: outerTimeouts(),
  },
];

/** The adapter's options are generic in the environment, which a suite for all frameworks cannot name. */
export function honoMiddleware(
  store: IdempotencyStore,
  options: Options = {},
  { idempotency }: Partial<typeof adapter> = adapter,
): MiddlewareHandler<Env> {
  const make = idempotency as unknown as (options: object) => MiddlewareHandler<Env>;
  return make({ store, scope: 'public', ...options });
}

function honoListener(spec: AppSpec): Listener {
  const app = new Hono<Env>();
  for (const layer of spec.outer ?? []) app.use(layer as MiddlewareHandler);
  if (!spec.plain) app.use(honoMiddleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as MiddlewareHandler);
  if (!spec.unrouted) app.all('*', honoHandler(spec));
  app.onError((error) => (error instanceof HTTPException ? error.getResponse() : errorResponse(error, spec.handled)));
  return listenerOf(app);
}

function listenerOf(app: Hono<Env>): Listener {
  return getRequestListener(app.fetch as never, { overrideGlobalObjects: false }) as Listener;
}

function honoHandler({ handler }: AppSpec): (c: Context<Env>) => Promise<Response> {
  return async (c) => {
    const call: Call = {
      req: c.env.incoming,
      get res(): ServerResponse {
        throw new Error('There is no response of node:http.');
      },
      hijack: () => {},
      native: c,
      body: await bodyOf(c),
      context: c.get('idempotency'),
      headers: honoHeaders(c),
      get headersSent() {
        return c.env.outgoing.headersSent;
      },
    };
    const reply = await handler(call);
    if (reply === 'native') return c.res;
    const { body, status, headers } = toResponse(reply);
    return c.newResponse(body, { status: status as 200, headers });
  };
}

async function bodyOf({ req }: Context<Env>): Promise<unknown> {
  const bytes = async () => new Uint8Array(await req.arrayBuffer());
  return await parsedBodyOf(req.header('content-type') ?? null, {
    json: () => req.json(),
    text: () => req.text(),
    bytes,
  });
}

function honoHeaders(c: Context): ResponseHeaders {
  return {
    get: (name) => c.res.headers.get(name) ?? undefined,
    set: (name, value) => {
      c.header(name, undefined);
      for (const line of [value].flat()) c.header(name, line, { append: true });
    },
    remove: (name) => c.header(name, undefined),
  };
}

function honoLayer(action: LayerAction): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { incoming: req } = c.env;
    const result = action({ req, native: c, context: c.get('idempotency'), headers: honoHeaders(c) });
    if (result === undefined) return await next();
    if (!(result instanceof Promise)) return endLayer(c, result);
    const late = result.then((given) => {
      if (!c.finalized) c.res = endLayer(c, given) ?? c.res;
    });
    await Promise.race([next(), late]);
  };
}

function endLayer(c: Context<Env>, result: LayerResult): Response | undefined {
  if (result === 'close') c.env.outgoing.destroy();
  if (result === undefined || typeof result === 'string') return undefined;
  const { body, status, headers } = toResponse(result);
  return c.newResponse(body, { status: status as 200, headers });
}

type TimeIsUp = () => Promise<void>;

/** As `timeout()` of Hono does it, but when the test says that the time is up. */
function outerTimeouts(): Readonly<Record<string, UnseenTimeoutLayer>> {
  return {
    'an outer race that throws 408': { status: 408, keepsResponse: false, mount: (up) => ({ outer: [race(408, up)] }) },
    'an outer race that throws 504': { status: 504, keepsResponse: false, mount: (up) => ({ outer: [race(504, up)] }) },
  };
}

/** An inner race hides the handler. */
function innerTimeouts(): Readonly<Record<string, TimeoutLayer>> {
  return {
    'an inner race that throws 408': { status: 408, keepsKey: false, mount: (up) => ({ inner: [race(408, up)] }) },
    'an inner race that throws 504': { status: 504, keepsKey: false, mount: (up) => ({ inner: [race(504, up)] }) },
  };
}

function race(status: 408 | 504, timeIsUp: TimeIsUp): MiddlewareHandler {
  return async (_c, next) =>
    await Promise.race([
      next(),
      timeIsUp().then(() => {
        throw new HTTPException(status, { message: 'Time is up.' });
      }),
    ]);
}
