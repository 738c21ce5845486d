// The head of a response over HTTP/2: how `writeHead` builds it, and what node:http2 refuses.
import { EventEmitter } from 'node:events';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { type HeaderEntry, headerLinePattern } from '../../http/headers.js';
import type { ResponseHead } from '../../http/response.js';
import { headersOf } from '../response-head.js';

/** Headers for which node:http2 sends only one value, as far as responses use them (`kSingleValueHeaders` in its `util.js`). */
const singleValueHeaders = new Set(
  (
    'access-control-allow-credentials access-control-max-age access-control-request-method age authorization ' +
    'content-encoding content-language content-length content-location content-md5 content-range content-type date dnt ' +
    'etag expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location ' +
    'max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent ' +
    'x-content-type-options'
  ).split(' '),
);

/** Headers of an HTTP/1 connection, which HTTP/2 forbids (RFC 9113 section 8.2.2). */
const connectionHeaders = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** True if node:http2 refuses to send this header. */
export function isConnectionHeader(name: string, value: HeaderEntry[1]): boolean {
  const lower = name.toLowerCase();
  return connectionHeaders.has(lower) || (lower === 'te' && value !== 'trailers');
}

export function isSingleValueHeader(name: string): boolean {
  return singleValueHeaders.has(name.toLowerCase());
}

/** True if a response with this status to this method has no body over HTTP/2. */
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
  const valid = validStatus(status);
  return { status: valid, reason: STATUS_CODES[valid] ?? 'unknown', headers: headersOf(shadow).map(validHeader) };
}

/** One entry for each value of a trailer. Throws if node:http2 would refuse it, in the call or when it sends it. */
export function validTrailerLines(res: ServerResponse, name: unknown, value: unknown): [name: string, value: string][] {
  const shadow = createShadowResponse(res, () => {});
  Reflect.apply(Reflect.get(shadow, 'setTrailer'), shadow, [name, value]);
  const values: unknown[] = Array.isArray(value) ? value : [value];
  const lower = String(name).trim().toLowerCase();
  return values.map((each) => {
    const [, line] = validHeader([lower, String(each)]);
    return [lower, String(line)];
  });
}

/**
 * A shadow response without a client, for a dry run of Node's own `writeHead`. It merges its headers into those that were set
 * before, and each version of Node does it in its own way.
 */
function createShadowResponse(res: ServerResponse, respond: (headers: object) => void): ServerResponse {
  const stream = Object.assign(new EventEmitter(), {
    headersSent: false,
    destroyed: false,
    closed: false,
    respond,
    destroy(error: Error | undefined): void {
      // `setHeader` calls this for a name that is not a token.
      if (error) throw error;
    },
  });
  const shadow: ServerResponse = Reflect.construct(http2ResponseClassOf(res), [stream]);
  shadow.sendDate = res.sendDate;
  return shadow;
}

/** The class Http2ServerResponse, behind the prototypes that frameworks put in front of it. */
function http2ResponseClassOf(res: ServerResponse): Parameters<typeof Reflect.construct>[0] {
  for (let at: unknown = res; typeof at === 'object' && at !== null; at = Reflect.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'createPushResponse')) return Reflect.get(at, 'constructor');
  }
  throw new Error('captureResponse: the response has an HTTP/2 stream, but is not an Http2ServerResponse');
}

/** node:http2 sends 200 for a status that is not a number. */
function validStatus(value: unknown): number {
  const status = Math.trunc(Number(value)) || 200;
  if (status >= 200 && status <= 599) return status;
  throw nodeError(RangeError, 'ERR_HTTP2_STATUS_INVALID', `Invalid status code: ${status}`);
}

/**
 * A header as node:http2 sends it: only the low byte of each character. Throws for a value that HTTP/1 refuses: no
 * client would get it over HTTP/2 either, and a replay over HTTP/1 could not send it.
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
