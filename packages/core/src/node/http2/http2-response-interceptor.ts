// What stands on a response over HTTP/2 while it is captured: the methods that the handler and layers inside use.
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { ResponseHead, TrailerEntry } from '../../http/response.js';
import type { WriteCallback } from '../capture/streaming-response.js';
import type { PropertyOverrides } from '../intercept/property-overrides.js';
import { dryRunWriteHead, validTrailerLines } from './http2-head.js';
import type { Http2ResponseBuffer } from './http2-response-buffer.js';

export interface Http2ResponseInterceptorOptions {
  readonly res: ServerResponse;
  readonly overrides: PropertyOverrides;
  readonly buffer: Http2ResponseBuffer;
  onHead(head: ResponseHead): void;
  /** The handler's side has ended the answer. `callback` waits until it has left. */
  onEnd(trailers: readonly TrailerEntry[], callback: (() => void) | undefined): void;
  /** The handler's side destroys the response, ended or not. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];

/** Covers the response. What Node would refuse is refused in the call. */
export function interceptHttp2Response(options: Http2ResponseInterceptorOptions): Http2ResponseInterceptor {
  const { res, overrides } = options;
  const interceptor = new Http2ResponseInterceptor(options);
  overrides.override('writeHead', (...args: Args) => interceptor.writeHead(args));
  overrides.override('flushHeaders', () => interceptor.flushHeaders());
  overrides.override('write', (...args: Args) => interceptor.write(args));
  overrides.override('end', (...args: Args) => interceptor.end(args));
  overrides.override('setTrailer', (name: unknown, value: unknown) => interceptor.setTrailer(name, value));
  overrides.override('destroy', (error?: Error) => {
    options.onDestroy(error);
    return res;
  });
  return interceptor;
}

export class Http2ResponseInterceptor {
  readonly #options: Http2ResponseInterceptorOptions;
  readonly #originalWriteHead: ServerResponse['writeHead'];
  readonly #trailers = new Map<string, TrailerEntry[]>();
  #isFinished = false;

  constructor(parts: Http2ResponseInterceptorOptions) {
    this.#options = parts;
    this.#originalWriteHead = parts.res.writeHead;
  }

  /** Whatever is still written is refused. */
  close(): void {
    this.#isFinished = true;
  }

  writeHead(args: Args): ServerResponse {
    const { res, buffer, onHead } = this.#options;
    // A second head: Node's own method refuses it.
    if (this.#isFinished || buffer.head) return Reflect.apply(this.#originalWriteHead, res, args);
    onHead(dryRunWriteHead(res, args));
    return res;
  }

  flushHeaders(): void {
    if (this.#isFinished) return;
    this.#writeImplicitHead();
    this.#options.buffer.headFlushed();
  }

  write(args: Args): boolean {
    const { chunk, encoding, callback } = splitWriteArguments(args);
    if (this.#isFinished) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
      if (callback) process.nextTick(callback, error);
      return false;
    }
    const bytes = toBuffer(chunk, encoding);
    this.#writeImplicitHead();
    return this.#options.buffer.write(bytes, callback ?? (() => {}), typeof chunk === 'string');
  }

  end(args: Args): ServerResponse {
    const { res, overrides, buffer, onEnd } = this.#options;
    const { chunk, encoding, callback } = splitWriteArguments(args);
    if (this.#isFinished) {
      if (callback) process.nextTick(callback);
      return res;
    }
    const bytes = chunk === undefined || chunk === null ? undefined : toBuffer(chunk, encoding);
    // Node sends no trailers after a head that ends the stream.
    const trailers = buffer.head || bytes ? [...this.#trailers.values()].flat() : [];
    this.#writeImplicitHead();
    if (bytes) buffer.write(bytes, () => {}, typeof chunk === 'string');
    this.#isFinished = true;
    overrides.override('writableEnded', true);
    overrides.override('finished', true);
    onEnd(trailers, callback);
    return res;
  }

  setTrailer(name: unknown, value: unknown): void {
    const lines = validTrailerLines(this.#options.res, name, value);
    this.#trailers.set(String(name).trim().toLowerCase(), lines);
  }

  /** The head that Node writes by itself goes through the response, so that layers which patched its writeHead see it. */
  #writeImplicitHead(): void {
    const { res, buffer } = this.#options;
    if (!buffer.head) res.writeHead(res.statusCode);
  }
}

/** The arguments of `write` and `end`, which may leave out those in the middle. */
function splitWriteArguments(args: Args): { chunk: unknown; encoding: unknown; callback: WriteCallback | undefined } {
  const at = args.findIndex((arg) => typeof arg === 'function');
  const [chunk, encoding] = at < 0 ? args : args.slice(0, at);
  const given = args[at];
  return { chunk, encoding, callback: isWriteCallback(given) ? given : undefined };
}

function isWriteCallback(given: unknown): given is WriteCallback {
  return typeof given === 'function';
}

/** The bytes of a chunk; throws what a stream of Node throws for one that it does not take. */
function toBuffer(chunk: unknown, encoding: unknown): Buffer {
  const isKnown = encoding === undefined || encoding === null || Buffer.isEncoding(String(encoding));
  if (typeof chunk === 'string' && isKnown) {
    return Buffer.from(chunk, Buffer.isEncoding(String(encoding)) ? (String(encoding) as BufferEncoding) : 'utf8');
  }
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const stream = new PassThrough();
  Reflect.apply(stream.write, stream, [chunk, encoding]);
  const taken: unknown = stream.read();
  return Buffer.isBuffer(taken) ? taken : Buffer.alloc(0);
}
