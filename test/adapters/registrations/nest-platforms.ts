// What differs between the two platforms of Nest in the adapter suite.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { keepRawBody } from '@onceguard/core/http';
import express, { type RequestHandler } from 'express';
import multer from 'multer';
import type {
  GivenReply,
  Listener,
  NodeLayer,
  Parser,
  ResponseHeaders,
} from '../../../packages/testing/src/adapter-suite/framework.js';
import { nodeHeaders } from '../../../packages/testing/src/adapter-suite/node-headers.js';
import { loadFrom, type NestLibrary } from '../../stacks/nest-adapter/library.js';
import type { NestLayer } from './nest-layers.js';

/** Express' request or Fastify's. */
export interface NativeRequest {
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: unknown;
  readonly raw?: IncomingMessage;
  rawBody?: Buffer;
}

/** Express' response or Fastify's reply. */
// biome-ignore lint/suspicious/noExplicitAny: the two have no type in common
export type NativeResponse = any;
type Application = Awaited<ReturnType<NestLibrary['core']['NestFactory']['create']>>;

export interface NestPlatform {
  /** The route that matches every path. */
  readonly everyPath: string;
  createAdapter(): object;
  requestOf(request: NativeRequest): IncomingMessage;
  responseOf(response: NativeResponse): ServerResponse;
  headersOf(response: NativeResponse): ResponseHeaders;
  /** Tells the platform that the handler uses the response of node:http. */
  hijack(response: NativeResponse): void;
  reply(response: NativeResponse, reply: GivenReply): void;
  isSent(response: NativeResponse): boolean;
  mountOuter(app: Application, layer: NestLayer): void;
  mountParser(app: Application, parser: Parser): Promise<void>;
  listenerOf(app: Application): Promise<Listener>;
  bodyLayer(change: (body: string) => string): NestLayer;
}

export function onExpress({ express: platform }: NestLibrary): NestPlatform {
  return {
    everyPath: '*path',
    createAdapter: () => new platform.ExpressAdapter(),
    requestOf: (request) => request as unknown as IncomingMessage,
    responseOf: (response) => response,
    headersOf: nodeHeaders,
    hijack: () => {},
    reply: (response, { status = 200, headers = {}, body }) => {
      response.status(status).set(headers);
      if (body instanceof Readable) body.pipe(response);
      else response.send(body);
    },
    isSent: (response) => response.headersSent,
    mountOuter: (app, { middleware }) => void app.use(middleware),
    mountParser: async (app, parser) => {
      for (const one of expressParsers(parser)) app.use(one);
    },
    listenerOf: async (app) => app.getHttpAdapter().getInstance(),
    bodyLayer: (change) => ({ middleware: expressBodyLayer(change) }),
  };
}

function expressParsers(parser: Parser): RequestHandler[] {
  if (parser === 'none') return [];
  if (parser === 'all as JSON') return [express.json({ type: () => true })];
  const verify = parser === 'source kept' ? { verify: keepRawBody } : {};
  return [
    express.json({ limit: '1mb', ...verify }),
    express.urlencoded({ extended: true, ...verify }),
    express.text(),
    express.raw({ type: 'application/octet-stream' }),
    ...(parser === 'multipart' ? [multer().any()] : []),
  ];
}

function expressBodyLayer(change: (body: string) => string): NodeLayer {
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

export function onFastify({ fastify: platform }: NestLibrary): NestPlatform {
  return {
    everyPath: '*',
    createAdapter: () => new platform.FastifyAdapter({ bodyLimit: 1_048_576 }),
    requestOf: (request) => request.raw as IncomingMessage,
    responseOf: (response) => response.raw,
    headersOf: (response) => ({
      get: (name) => {
        const value: unknown = response.getHeader(name);
        return value === undefined ? undefined : String(value);
      },
      set: (name, value) => {
        response.removeHeader(name);
        response.header(name, value);
      },
      remove: (name) => void response.removeHeader(name),
    }),
    hijack: (response) => void response.hijack(),
    reply: (response, { status = 200, headers = {}, body }) => {
      response.code(status);
      for (const [name, value] of Object.entries(headers)) response.header(name, value);
      response.send(body);
    },
    isSent: (response) => response.sent || response.raw.headersSent,
    mountOuter: (app, { middleware, onSend }) => {
      const instance = app.getHttpAdapter().getInstance();
      if (onSend !== undefined) instance.addHook('onSend', onSend);
      else instance.addHook('onRequest', hookOf(middleware));
    },
    mountParser: async (app, parser) => await mountFastifyParser(app.getHttpAdapter().getInstance(), parser),
    listenerOf: async (app) => {
      const instance = app.getHttpAdapter().getInstance();
      await instance.ready();
      return (req, res) => instance.routing(req, res);
    },
    bodyLayer: (change) => ({
      middleware: () => {},
      onSend: async (_request, _reply, payload) => change(String(payload ?? '')),
    }),
  };
}

type FastifyHook = (request: NativeRequest, reply: NativeResponse, done: (error?: Error) => void) => void;

/** Middleware of the suite gets the native request and reply where it looks at them, and those of node:http where it does not. */
function hookOf(middleware: NestLayer['middleware']): FastifyHook {
  return (request, reply, done) => middleware(request as never, reply, done as never);
}

// biome-ignore lint/suspicious/noExplicitAny: Fastify's own type has its server, logger and type provider as parameters
async function mountFastifyParser(instance: any, parser: Parser): Promise<void> {
  instance.removeAllContentTypeParsers();
  const parse = (type: string | RegExp, parseBytes: (text: string, bytes: Buffer) => unknown) =>
    instance.addContentTypeParser(type, { parseAs: 'buffer' }, async (request: NativeRequest, bytes: Buffer) => {
      if (parser === 'source kept') request.rawBody = bytes;
      return parseBytes(bytes.toString(), bytes);
    });
  if (parser === 'all as JSON') return void parse('*', (text) => JSON.parse(text));
  if (parser === 'multipart') {
    const { default: multipart } = await loadFrom('12', '@fastify/multipart');
    await instance.register(multipart, { attachFieldsToBody: 'keyValues' });
  }
  if (parser === 'none') {
    // Without it Fastify would refuse the request with 415. Behind it the body stays unread.
    const leaveUnread = (_request: unknown, _payload: unknown, done: (error: null) => void) => done(null);
    return void instance.addContentTypeParser('*', leaveUnread);
  }
  parse('application/json', (text) => JSON.parse(text));
  parse('text/plain', (text) => text);
  parse('application/octet-stream', (_, bytes) => bytes);
  parse('application/x-www-form-urlencoded', (text) => formOf(text));
}

/** A name that occurs twice has a list of values. */
function formOf(text: string): Record<string, unknown> {
  const form = new URLSearchParams(text);
  return Object.fromEntries(
    [...form.keys()].map((name) => [name, form.getAll(name).length > 1 ? form.getAll(name) : form.get(name)]),
  );
}
