// One HTTP request and its response, as Nest gets them from Express or from Fastify.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { ExecutionContext } from '@nestjs/common';
import { ConfigurationError } from '@onceguard/core';
import type { HeaderEntry, OutgoingResponse } from '@onceguard/core/http';
import { removeHeadersExcept } from '@onceguard/core/node';
import type { AnyInput } from './options.js';

export interface Platform {
  /** The request as handlers and guards see it. */
  readonly request: AnyInput;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly originalUrl: string;
  /** With the global prefix and the version, where they are in the path. Undefined: not known. */
  routeTemplate(): string | undefined;
  body(): unknown;
  hasParser(): boolean;
  rawBody(): Uint8Array | undefined;
  /** Left out: they are those of `res`. */
  outerHeaders?(): HeaderEntry[];
  /** Responds without a body. */
  end(): void;
  /**
   * Sets status and headers, but for those that describe the body. Whatever responds next changes neither, and sends no body. Set where the
   * platform has hooks, which see that response and may add headers to it.
   */
  respondThroughHooks?(head: OutgoingResponse): void;
  /** The same with the body, which the hooks may change. Whatever responds next sends this refusal. */
  refuseThroughHooks?(refusal: OutgoingResponse): void;
}

export function platformOf(context: ExecutionContext): Platform {
  const request = context.switchToHttp().getRequest<AnyInput>();
  const response = context.switchToHttp().getResponse<AnyInput>();
  if (typeof response?.raw?.writeHead === 'function') return onFastify(request, response);
  if (typeof response?.writeHead === 'function') return onExpress(request, response);
  const remedy = 'Use it on routes of @nestjs/platform-express or @nestjs/platform-fastify.';
  throw new ConfigurationError('option_invalid', `@Idempotent() found no response of node:http. ${remedy}`);
}

function onExpress(request: AnyInput, res: ServerResponse): Platform {
  return {
    request,
    req: request,
    res,
    originalUrl: request.originalUrl ?? request.url,
    routeTemplate: () => expressTemplate(request),
    body: () => request.body,
    // Every version of body-parser sets `body`, also on a request whose type it does not parse.
    hasParser: () => 'body' in request,
    rawBody: () => rawBodyOf(request),
    end: () => void res.end(),
  };
}

function onFastify(request: AnyInput, reply: AnyInput): Platform {
  const res: ServerResponse = reply.raw;
  return {
    request,
    req: request.raw,
    res,
    originalUrl: request.originalUrl ?? request.raw.url,
    routeTemplate: () => request.routeOptions?.url,
    body: () => request.body,
    // Fastify refuses a type that it does not parse before any handler.
    hasParser: () => request.body !== undefined,
    rawBody: () => rawBodyOf(request),
    // Fastify keeps the headers of the response on the reply until it writes them.
    outerHeaders: () => toEntries(reply.getHeaders()),
    end: () => void reply.send(),
    respondThroughHooks: (head) => {
      for (const [name, value] of head.headers) if (!describesBody(name)) res.setHeader(name, value);
      setReplyHead(reply, head);
      replaceNextSend(reply, () => reply.send());
    },
    refuseThroughHooks: ({ body, ...head }) => {
      setReplyHead(reply, head);
      reply.type(contentTypeOf(head.headers));
      // Without a serialiser, Fastify would add a charset to the media type of JSON.
      replaceNextSend(reply, () => reply.serializer(String).send(body.toString()));
    },
  };
}

/** Nest registers whole paths. An application that another one has mounted does not know the template of the path to it. */
function expressTemplate({ baseUrl, route }: AnyInput): string | undefined {
  return baseUrl === '' && typeof route?.path === 'string' ? route.path : undefined;
}

function contentTypeOf(headers: readonly HeaderEntry[]): string {
  return String(headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]);
}

function setReplyHead(reply: AnyInput, { status, headers }: Pick<OutgoingResponse, 'status' | 'headers'>): void {
  removeHeadersExcept(reply.raw, headers);
  reply.code(status);
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
  for (const [name, value] of headers) {
    if (!describesBody(name)) reply.header(name, typeof value === 'string' ? value : [...value]);
  }
}

/** With these Nest, filters and interceptors would change the head. Hooks use them too, but only after `send`. */
const headMethods = ['code', 'status', 'header', 'headers', 'removeHeader', 'type'];

function replaceNextSend(reply: AnyInput, sendOther: () => unknown): void {
  const send = () => {
    for (const name of [...headMethods, 'send', 'redirect']) delete reply[name];
    return sendOther();
  };
  for (const name of headMethods) override(reply, name, () => reply);
  for (const name of ['send', 'redirect']) override(reply, name, send);
}

function override(reply: object, name: string, value: () => unknown): void {
  Object.defineProperty(reply, name, { value, configurable: true, writable: true });
}

function describesBody(name: string): boolean {
  return /^(?:content-|transfer-encoding$|etag$|last-modified$)/i.test(name);
}

function toEntries(headers: Record<string, unknown>): HeaderEntry[] {
  const entries = Object.entries(headers).filter(([, value]) => value !== undefined);
  return entries.map(([name, value]): HeaderEntry => [name, Array.isArray(value) ? value.map(String) : String(value)]);
}

/** Nest keeps the source of a body there with `rawBody: true`. */
function rawBodyOf(request: AnyInput): Uint8Array | undefined {
  return isUint8Array(request.rawBody) ? request.rawBody : undefined;
}
