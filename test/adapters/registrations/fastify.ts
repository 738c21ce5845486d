// Fastify in the adapter suite.
import { keepRawBody } from '@onceguard/core/http';
import { type IdempotencyOptions, idempotency } from '@onceguard/fastify';
import fastify5, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import fastify4 from 'fastify4';
import multer from 'multer';
import type {
  AppSpec,
  Call,
  ClosableListener,
  Framework,
  LayerAction,
  LayerResult,
  NodeLayer,
  Reply,
  ResponseHeaders,
} from '../../../packages/testing/src/adapter-suite/framework.js';

type Create = () => FastifyInstance;

const nothingInside = 'A guarded handler runs after all hooks: Fastify has nothing between the check and the handler.';

export const frameworks: readonly Framework[] = [
  onFastify('Fastify 4', () => fastify4() as unknown as FastifyInstance),
  onFastify('Fastify 5', () => fastify5()),
  { ...onFastify('Fastify 5 over HTTP/2', () => fastify5()), transport: 'HTTP/2' },
];

function onFastify(name: string, create: Create): Framework {
  return {
    name,
    transport: 'HTTP/1',
    lacks: {
      innerLayers: nothingInside,
      routedLayers: nothingInside,
      silentLayers: 'A hook of Fastify that neither continues nor replies keeps its request waiting.',
      nesting: 'The plugin refuses to be registered twice.',
      unrouted: 'Only routes are guarded: a request without a route never reaches the check.',
      unsupportedTypes:
        'Fastify itself refuses a media type without a parser with 415, before any hook of the adapter.',
      hiddenErrors: 'The error handler of Fastify shows clients the message of every error. Set one of your own.',
      errorsAfterHijack: 'Fastify leaves a hijacked reply alone, whatever its handler throws.',
      emptyReasonPhrases:
        'Fastify sends a replay itself and cannot set an empty reason phrase: the standard phrase is sent.',
    },
    listener: async (spec) => await listenerOf(await appOf(create, spec)),
    header: (native, header) => [(native as FastifyRequest).headers[header.toLowerCase()]].flat()[0],
    parsedBody: (native) => (native as FastifyRequest).body,
    layer: (action) => ({ hook: 'preHandler', run: layerHook(action) }) satisfies Layer,
    nodeLayer: (run) => ({ hook: 'onRequest', run: nodeHook(run) }) satisfies Layer,
    bodyLayer: (change) => ({ hook: 'onSend', run: bodyHook(change) }) satisfies Layer,
    routers: {
      'a plugin registered under two prefixes': async (spec) => {
        const app = await appOf(create, spec, async (root) => {
          const routes = async (scope: FastifyInstance) => mountHandler(scope, spec);
          await root.register(routes, { prefix: '/a' });
          await root.register(routes, { prefix: '/b' });
        });
        return (await listenerOf(app)).listener;
      },
    },
    timeouts: {
      'a hook that replies with 408': {
        status: 408,
        keepsKey: true,
        mount: (timeIsUp) => ({ outer: [{ hook: 'preHandler', run: timerHook(408, timeIsUp) } satisfies Layer] }),
      },
      'a hook that replies with 504': {
        status: 504,
        keepsKey: true,
        mount: (timeIsUp) => ({ outer: [{ hook: 'onRequest', run: timerHook(504, timeIsUp) } satisfies Layer] }),
      },
    },
  };
}

/** A layer is a hook of the application. */
interface Layer {
  readonly hook: 'onRequest' | 'preHandler' | 'onSend';
  readonly run: (...args: never[]) => unknown;
}

async function listenerOf(app: FastifyInstance): Promise<ClosableListener> {
  await app.ready();
  return { listener: (req, res) => app.routing(req, res), close: async () => await app.close() };
}

async function appOf(
  create: Create,
  spec: AppSpec,
  mount: (app: FastifyInstance) => unknown = (app) => mountHandler(app, spec),
): Promise<FastifyInstance> {
  const app = create();
  const { handled } = spec;
  if (handled !== undefined) {
    app.setErrorHandler((error, _request, reply) => {
      handled.push(error);
      reply.code(500).send('handled');
    });
  }
  mountParsers(app, spec);
  for (const layer of spec.outer ?? []) addLayer(app, layer as Layer);
  const options = { store: spec.store, scope: 'public', ...spec.options } as IdempotencyOptions;
  if (!spec.plain) await app.register(idempotency, options);
  await mount(app);
  return app;
}

function addLayer(app: FastifyInstance, { hook, run }: Layer): void {
  app.addHook(hook as 'onRequest', run as never);
}

function mountHandler(app: FastifyInstance, spec: AppSpec): void {
  app.all('/*', { config: { idempotency: spec.plain !== true } }, async (request, reply) => {
    const call: Call = {
      req: request.raw,
      // No hijack: the adapter sees what is written to the raw response with and without it.
      res: reply.raw,
      hijack: () => void reply.hijack(),
      native: request,
      body: request.body,
      context: request.idempotency,
      headers: headersOf(reply),
      get headersSent() {
        return reply.sent;
      },
    };
    return respond(reply, await spec.handler(call));
  });
}

function respond(reply: FastifyReply, given: Reply): FastifyReply {
  if (given === 'raw') return reply.hijack();
  if (given === 'native') return reply;
  const { status = 200, headers = {}, body } = given;
  return reply
    .code(status)
    .headers(headers)
    .send(body ?? undefined);
}

function headersOf(reply: FastifyReply): ResponseHeaders {
  return {
    get: (name) => {
      const value = reply.getHeader(name);
      return value === undefined ? undefined : String(value);
    },
    set: (name, value) => void reply.header(name, value),
    remove: (name) => void reply.removeHeader(name),
  };
}

const parsersByType: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  'application/json': (bytes) => JSON.parse(bytes.toString()),
  'application/x-www-form-urlencoded': (bytes) => formOf(bytes.toString()),
  'text/plain': (bytes) => bytes.toString(),
  'application/octet-stream': (bytes) => bytes,
};

function mountParsers(app: FastifyInstance, { parser = 'json' }: AppSpec): void {
  app.removeAllContentTypeParsers();
  if (parser === 'all as JSON') {
    addParser(app, '*', (bytes) => JSON.parse(bytes.toString()));
    return;
  }
  if (parser === 'multipart') {
    app.addContentTypeParser('multipart/form-data', (request, _payload, done) => {
      const parse = multer().any() as unknown as NodeLayer;
      parse(request.raw, {} as never, (error) => done(error as Error | null, Reflect.get(request.raw, 'body')));
    });
  }
  if (parser !== 'none') {
    for (const [type, parse] of Object.entries(parsersByType)) addParser(app, type, parse, parser === 'source kept');
  }
  // Without it Fastify would refuse the request with 415. Behind it the body reaches the handler unread.
  if (parser === 'none') app.addContentTypeParser('*', (_request, _payload, done) => done(null));
}

function addParser(app: FastifyInstance, type: string, parse: (bytes: Buffer) => unknown, keepsSource = false): void {
  app.addContentTypeParser(type, { parseAs: 'buffer' }, (request, bytes, done) => {
    if (keepsSource) keepRawBody(request.raw, null, bytes as Buffer);
    try {
      done(null, parse(bytes as Buffer));
    } catch (error) {
      done(Object.assign(error as Error, { statusCode: 400 }));
    }
  });
}

/** A name that occurs twice has a list of values. */
function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries([...form.keys()].map((name) => [name, form.getAll(name)]));
}

function layerHook(action: LayerAction) {
  return async (request: FastifyRequest, reply: FastifyReply) => {
    const { raw, idempotency: context } = request;
    const result = action({ req: raw, native: request, context, headers: headersOf(reply) });
    if (result === undefined) return undefined;
    if (!(result instanceof Promise)) return endLayer(reply, result);
    void result.then((late) => void endLayer(reply, late));
    return undefined;
  };
}

function endLayer(reply: FastifyReply, result: LayerResult): FastifyReply | undefined {
  if (result === undefined || result === 'unrouted' || reply.sent) return undefined;
  if (result === 'close') reply.raw.destroy();
  else respond(reply, result);
  return reply;
}

function nodeHook(run: NodeLayer) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) =>
    run(request.raw, reply.raw, done as (error?: unknown) => void);
}

function bodyHook(change: (body: string) => string) {
  return async (_request: FastifyRequest, _reply: FastifyReply, payload: unknown) =>
    typeof payload === 'string' || Buffer.isBuffer(payload) ? change(payload.toString()) : payload;
}

function timerHook(status: number, timeIsUp: () => Promise<void>) {
  return async (_request: FastifyRequest, reply: FastifyReply) => {
    void timeIsUp().then(() => void reply.code(status).send({ error: 'Time is up.' }));
  };
}
