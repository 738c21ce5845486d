// Overrides the methods with which the handler and inner middleware write a response over HTTP/2.
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { ResponseHead, TrailerEntry } from '../../http/response.js';
import type { PropertyOverrides } from '../intercept/property-overrides.js';
import { chunkToBuffer, splitWriteArguments } from '../intercept/write-arguments.js';
import { dryRunWriteHead, validTrailerLines } from './http2-head.js';
import type { Http2ResponseBuffer } from './http2-response-buffer.js';

export interface Http2ResponseInterceptorOptions {
  readonly res: ServerResponse;
  readonly overrides: PropertyOverrides;
  readonly buffer: Http2ResponseBuffer;
  onHead(head: ResponseHead): void;
  /** The handler has ended the response. `callback` is to be called when the response was sent. */
  onEnd(trailers: readonly TrailerEntry[], callback: (() => void) | undefined): void;
  /** The handler destroys the response, before or after its end. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];
const noop = (): void => {};

/** Each overridden method refuses what Node would refuse, within the call. */
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

  constructor(options: Http2ResponseInterceptorOptions) {
    this.#options = options;
    this.#originalWriteHead = options.res.writeHead;
  }

  /** From here on every write is refused. */
  close(): void {
    this.#isFinished = true;
  }

  writeHead(args: Args): ServerResponse {
    const { res, buffer, onHead } = this.#options;
    // Node's own method refuses a second head.
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
    const { chunk, encoding, callback = noop } = splitWriteArguments(args);
    if (this.#isFinished) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
      process.nextTick(callback, error);
      return false;
    }
    const bytes = toBuffer(chunk, encoding);
    this.#writeImplicitHead();
    return this.#options.buffer.write(bytes, callback, typeof chunk === 'string');
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
    if (bytes) buffer.write(bytes, noop, typeof chunk === 'string');
    this.#isFinished = true;
    overrides.overrideAccessor('writableEnded', true);
    overrides.overrideAccessor('finished', true);
    onEnd(trailers, callback);
    return res;
  }

  setTrailer(name: unknown, value: unknown): void {
    const lines = validTrailerLines(this.#options.res, name, value);
    this.#trailers.set(String(name).trim().toLowerCase(), lines);
  }

  /** Writes the implicit head through the response, so that middleware which patched its `writeHead` sees it. */
  #writeImplicitHead(): void {
    const { res, buffer } = this.#options;
    if (!buffer.head) res.writeHead(res.statusCode);
  }
}

/** The bytes of a chunk. Throws what a stream of Node throws for a chunk that it does not accept. */
function toBuffer(chunk: unknown, encoding: unknown): Buffer {
  const bytes = chunkToBuffer(chunk, encoding);
  if (bytes) return bytes;
  const stream = new PassThrough();
  Reflect.apply(stream.write, stream, [chunk, encoding]);
  const accepted: unknown = stream.read();
  return Buffer.isBuffer(accepted) ? accepted : Buffer.alloc(0);
}
