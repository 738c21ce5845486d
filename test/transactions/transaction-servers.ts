// One route behind each kind of adapter, whose handler the test chooses with each request.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import bodyParser from '@koa/bodyparser';
import type { HttpContext, HttpOptions } from '@onceguard/core/http';
import * as forExpress from '@onceguard/express';
import * as forFastify from '@onceguard/fastify';
import * as forKoa from '@onceguard/koa';
import { idempotencyOf, withIdempotency } from '@onceguard/web';
import express, { type ErrorRequestHandler } from 'express';
import fastify from 'fastify';
import Koa from 'koa';

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Resolves with what the handler responds. Rejects with what it throws. */
export type Handler = (context: HttpContext) => Promise<Reply>;

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly replayed: boolean;
}

export interface TransactionServer {
  readonly name: string;
  post(key: string, handler?: Handler, signal?: AbortSignal): Promise<Answer>;
  close(): Promise<void>;
}

type Options = Pick<HttpOptions<unknown>, 'store' | 'transaction' | 'maxExecutionMs' | 'onInProgress'>;

export type OpenServer = (options: Options) => Promise<TransactionServer>;

/** The handlers of the requests, by key: every server of a test runs in this process. */
const handlers = new Map<string, Handler>();

function handlerOf({ key }: HttpContext): Handler {
  const handler = handlers.get(key);
  if (handler === undefined) throw new Error(`No handler was chosen for ${key}.`);
  return handler;
}

const toServerError: ErrorRequestHandler = (error, _request, response, _next) => {
  response.status(500).json({ message: error.message, code: error.code });
};

async function openExpress(options: Options): Promise<TransactionServer> {
  const app = express();
  const guard = forExpress.idempotency({ ...options, scope: 'public', required: true });
  app.post('/payments', express.json(), guard, async (request, response) => {
    const context = forExpress.idempotencyOf(request);
    const { status, body } = await handlerOf(context)(context);
    response.status(status).json(body);
  });
  app.use(toServerError);
  return await listen('Express', app);
}

async function openKoa(options: Options): Promise<TransactionServer> {
  const app = new Koa();
  app.silent = true;
  app.use(bodyParser());
  app.use(forKoa.idempotency({ ...options, scope: 'public', required: true }));
  app.use(async (ctx) => {
    const context = forKoa.idempotencyOf(ctx);
    Object.assign(ctx, await handlerOf(context)(context));
  });
  const handle = app.callback();
  return await listen('Koa', (request, response) => void handle(request, response));
}

async function openFastify(options: Options): Promise<TransactionServer> {
  const app = fastify();
  await app.register(forFastify.idempotency, { ...options, scope: 'public', required: true });
  app.post('/payments', { config: { idempotency: true } }, async (request, reply) => {
    const context = forFastify.idempotencyOf(request);
    const { status, body } = await handlerOf(context)(context);
    return reply.code(status).send(body);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { ...clientOf('Fastify', app.server), close: async () => await app.close() };
}

async function openWeb(options: Options): Promise<TransactionServer> {
  const handle = withIdempotency(
    async (request: Request) => {
      const context = idempotencyOf(request);
      const { status, body } = await handlerOf(context)(context);
      return Response.json(body, { status });
    },
    { ...options, scope: 'public', required: true },
  );
  const post: TransactionServer['post'] = async (key, handler, signal) => {
    if (handler !== undefined) handlers.set(key, handler);
    const request = new Request('http://shop.example/payments', requestOf(key, signal));
    try {
      return await toAnswer(await handle(request));
    } catch (error) {
      return { status: 500, body: { message: String(error) }, replayed: false };
    }
  };
  return { name: 'web', post, close: async () => {} };
}

export const serverKinds: Readonly<Record<string, OpenServer>> = {
  Express: openExpress,
  Koa: openKoa,
  Fastify: openFastify,
  web: openWeb,
};

async function listen(name: string, handle: RequestListener): Promise<TransactionServer> {
  const server = createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { ...clientOf(name, server), close };
}

function clientOf(name: string, server: Server): Omit<TransactionServer, 'close'> {
  const { port } = server.address() as AddressInfo;
  return {
    name,
    post: async (key, handler, signal) => {
      if (handler !== undefined) handlers.set(key, handler);
      return await toAnswer(await fetch(`http://127.0.0.1:${port}/payments`, requestOf(key, signal)));
    },
  };
}

function requestOf(key: string, signal: AbortSignal | undefined): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
    body: JSON.stringify({ key }),
    signal: signal ?? null,
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, body: parse(text), replayed };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
