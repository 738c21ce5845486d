// The head of an answer over HTTP/2: what `writeHead` makes of it, and what node:http2 refuses of it.
import { EventEmitter } from 'node:events';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type HeaderEntry, headerLinePattern } from '../../http/headers.js';
import type { ResponseHead } from '../../http/response.js';
import { headersOf } from '../response-head.js';

/** Headers of which node:http2 sends one value only (`kSingleValueHeaders` in its `util.js`), as far as answers have them. */
const singleValueHeaders = new Set(
  (
    'access-control-allow-credentials access-control-max-age access-control-request-method age authorization ' +
    'content-encoding content-language content-length content-location content-md5 content-range content-type date dnt ' +
    'etag expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location ' +
    'max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent ' +
    'x-content-type-options'
  ).split(' '),
);

/** Headers of an HTTP/1 connection, which HTTP/2 does not allow (RFC 9113 section 8.2.2). */
const connectionHeaders = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Whether node:http2 refuses to send this header. */
export function isConnectionHeader(name: string, value: HeaderEntry[1]): boolean {
  const lower = name.toLowerCase();
  return connectionHeaders.has(lower) || (lower === 'te' && value !== 'trailers');
}

export function isSingleValueHeader(name: string): boolean {
  return singleValueHeaders.has(name.toLowerCase());
}

/** True if an answer with this status to this request has no body over HTTP/2. */
export function isBodylessOverHttp2(method: string | undefined, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 205 || status === 304;
}

/** The head that `res.writeHead(...args)` would send. Throws what node:http2 would throw. */
export function dryRunWriteHead(res: ServerResponse, args: readonly unknown[]): ResponseHead {
  let status: unknown;
  const shadow = createShadowResponse(res, (headers) => {
    status = Reflect.get(headers, ':status');
  });
  for (const [name, value] of headersOf(res)) shadow.setHeader(name, value);
  Reflect.apply(shadow.writeHead, shadow, args);
  const sent = validStatus(status);
  return { status: sent, reason: STATUS_CODES[sent] ?? 'unknown', headers: headersOf(shadow).map(validHeader) };
}

/** The lines of these trailers. Throws for those that node:http2 would refuse, then or when it sends them. */
export function validTrailerLines(res: ServerResponse, name: unknown, value: unknown): [name: string, value: string][] {
  const shadow = createShadowResponse(res, () => {});
  Reflect.apply(Reflect.get(shadow, 'setTrailer'), shadow, [name, value]);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const lower = String(name).trim().toLowerCase();
  return values.map((one) => {
    const [, line] = validHeader([lower, String(one)]);
    return [lower, String(line)];
  });
}

/**
 * A second response without a client, on which Node's own `writeHead` is tried: it merges the headers given into those that
 * stand, each version of Node in its own way.
 */
function createShadowResponse(res: ServerResponse, respond: (headers: object) => void): ServerResponse {
  const stream = Object.assign(new EventEmitter(), {
    headersSent: false,
    destroyed: false,
    closed: false,
    respond,
    destroy(error: Error | undefined): void {
      // What `setHeader` does with a name that is no token.
      if (error) throw error;
    },
  });
  const shadow: ServerResponse = Reflect.construct(http2ResponseClassOf(res), [stream]);
  shadow.sendDate = res.sendDate;
  return shadow;
}

/** Http2ServerResponse itself, beneath what frameworks put in front of its prototype. */
function http2ResponseClassOf(res: ServerResponse): Parameters<typeof Reflect.construct>[0] {
  for (let at: unknown = res; typeof at === 'object' && at !== null; at = Reflect.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'createPushResponse')) return Reflect.get(at, 'constructor');
  }
  throw new Error('captureResponse: the response has a stream of HTTP/2, but is no Http2ServerResponse');
}

/** node:http2 reads a status that is no number as 200. */
function validStatus(given: unknown): number {
  const status = Math.trunc(Number(given)) || 200;
  if (status >= 200 && status <= 599) return status;
  throw nodeError(RangeError, 'ERR_HTTP2_STATUS_INVALID', `Invalid status code: ${status}`);
}

/**
 * A header as it goes out: node:http2 sends the low byte of every character. Of a line that HTTP/1 refuses no client gets
 * anything, and no replay over HTTP/1 could send it.
 */
function validHeader([name, value]: HeaderEntry): HeaderEntry {
  if (isConnectionHeader(name, value)) {
    const message = `HTTP/1 Connection specific headers are forbidden: "${name}"`;
    throw nodeError(TypeError, 'ERR_HTTP2_INVALID_CONNECTION_HEADERS', message);
  }
  if (typeof value !== 'string' && value.length > 1 && isSingleValueHeader(name)) {
    const message = `Header field "${name}" must only have a single value`;
    throw nodeError(TypeError, 'ERR_HTTP2_HEADER_SINGLE_VALUE', message);
  }
  const lines = (typeof value === 'string' ? [value] : value).map((line) =>
    Buffer.from(line, 'latin1').toString('latin1'),
  );
  if (!lines.every((line) => headerLinePattern.test(line))) {
    throw nodeError(TypeError, 'ERR_INVALID_CHAR', `Invalid character in header content ["${name}"]`);
  }
  return [name, typeof value === 'string' ? (lines[0] ?? '') : lines];
}

function nodeError(Type: ErrorConstructor, code: string, message: string): Error {
  return Object.assign(new Type(message), { code });
}
