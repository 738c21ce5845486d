// h3 in the adapter suite.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IdempotencyStore } from '@onceguard/core';
import * as adapter from '@onceguard/h3';
import { H3, type H3Event, HTTPError, type Middleware, toResponse as responseOf, toNodeHandler } from 'h3';
import type {
  AppSpec,
  Call,
  Framework,
  LayerAction,
  LayerResult,
  Listener,
  Options,
  TimeoutLayer,
  UnseenTimeoutLayer,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { lacksOfWebFrameworks, parsedBodyOf, toResponse, webHeaders } from './web-response.js';

export const frameworks: readonly Framework[] = [
  {
    name: 'h3',
    transport: 'HTTP/1',
    lacks: {
      ...lacksOfWebFrameworks,
      unrouted: 'A layer cannot skip the routes after it. A request without a route frees its key.',
      errorTitles: 'The response to an error has a title of h3, as JSON.',
      ownStatuses: 'h3 gives an error the status of its cause.',
      silentLayers: 'A layer that returns nothing passes the request on.',
    },
    listener: h3Listener,
    header: (native, name) => (native as H3Event).req.headers.get(name) ?? undefined,
    parsedBody: async (native) => await bodyOf((native as H3Event).req.clone()),
    layer: h3Layer,
    bodyLayer:
      (change): Middleware =>
      async (event, next) => {
        const response = await h3Response(event, next);
        const { status, headers } = response;
        const text = change(await response.text());
        headers.delete('content-length');
        return new Response(text, { status, headers });
      },
    middleware: h3Middleware,
    packageName: '@onceguard/h3',
    routers: {
      'an application mounted twice': (spec) => {
        const inner = new H3();
        inner.post('/pay', h3Handler(spec), { middleware: [h3Middleware(spec.store, spec.options)] });
        return toNodeHandler(new H3().mount('/a', inner).mount('/b', inner)) as Listener;
      },
    },
    timeouts: innerTimeouts(),
    unseenTimeouts: outerTimeouts(),
  },
];

/** The adapter's options are typed by the event, which a suite for all frameworks cannot name. */
export function h3Middleware(
  store: IdempotencyStore,
  options: Options = {},
  { idempotency }: Partial<typeof adapter> = adapter,
): Middleware {
  const make = idempotency as unknown as (options: object) => Middleware;
  return make({ store, scope: 'public', ...options });
}

function h3Listener(spec: AppSpec): Listener {
  const { handled } = spec;
  const onError = (error: HTTPError) => {
    handled?.push(error.unhandled === true ? error.cause : error);
    return new Response('handled', { status: 500 });
  };
  const app = new H3({ silent: true, ...(handled === undefined ? {} : { onError }) });
  for (const layer of spec.outer ?? []) app.use(layer as Middleware);
  if (!spec.plain) app.use(h3Middleware(spec.store, spec.options));
  for (const layer of spec.inner ?? []) app.use(layer as Middleware);
  if (!spec.unrouted) app.all('/**', h3Handler(spec));
  return toNodeHandler(app) as Listener;
}

function nodeOf(event: H3Event): { req: IncomingMessage; res: ServerResponse } {
  return event.runtime?.node as unknown as { req: IncomingMessage; res: ServerResponse };
}

function h3Handler({ handler }: AppSpec): (event: H3Event) => Promise<Response> {
  return async (event) => {
    const call: Call = {
      req: nodeOf(event).req,
      get res(): ServerResponse {
        throw new Error('There is no response of node:http.');
      },
      hijack: () => {},
      native: event,
      body: await bodyOf(event.req),
      context: event.context.idempotency,
      headers: webHeaders(() => event.res.headers),
      get headersSent() {
        return nodeOf(event).res.headersSent;
      },
    };
    return toResponse(await handler(call));
  };
}

async function bodyOf(request: Request): Promise<unknown> {
  const bytes = async () => new Uint8Array(await request.arrayBuffer());
  const [json, text] = [() => request.json(), () => request.text()];
  return await parsedBodyOf(request.headers.get('content-type'), { json, text, bytes });
}

function h3Layer(action: LayerAction): Middleware {
  return async (event, next) => {
    const { req } = nodeOf(event);
    const headers = webHeaders(() => event.res.headers);
    const result = action({ req, native: event, context: event.context.idempotency, headers });
    if (result === undefined) return await next();
    if (!(result instanceof Promise)) return endLayer(event, result);
    return await Promise.race([next(), result.then((late) => endLayer(event, late))]);
  };
}

function endLayer(event: H3Event, result: LayerResult): Response | undefined {
  if (result === 'close') nodeOf(event).res.destroy();
  return result === undefined || typeof result === 'string' ? undefined : toResponse(result);
}

async function h3Response(event: H3Event, next: () => unknown): Promise<Response> {
  return await responseOf(next(), event);
}

type TimeIsUp = () => Promise<void>;

function outerTimeouts(): Readonly<Record<string, UnseenTimeoutLayer>> {
  return {
    'an outer race that throws 408': { status: 408, keepsResponse: true, mount: (up) => ({ outer: [race(408, up)] }) },
    'an outer race that throws 504': { status: 504, keepsResponse: true, mount: (up) => ({ outer: [race(504, up)] }) },
  };
}

/** An inner race hides the handler. */
function innerTimeouts(): Readonly<Record<string, TimeoutLayer>> {
  return {
    'an inner race that throws 408': { status: 408, keepsKey: false, mount: (up) => ({ inner: [race(408, up)] }) },
    'an inner race that throws 504': { status: 504, keepsKey: false, mount: (up) => ({ inner: [race(504, up)] }) },
  };
}

function race(status: number, timeIsUp: TimeIsUp): Middleware {
  return async (_event, next) =>
    await Promise.race([
      next(),
      timeIsUp().then(() => {
        throw new HTTPError({ status, message: 'Time is up.' });
      }),
    ]);
}
