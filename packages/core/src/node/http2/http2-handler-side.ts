// What stands on a response over HTTP/2 while it is captured: the methods that the handler and layers inside use.
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import type { Taken } from '../flow.js';
import type { Head } from '../head.js';
import type { Overlay } from '../overlay.js';
import type { TrailerEntry } from '../trailers.js';
import type { Http2Body } from './http2-body.js';
import { checkedTrailer, headWritten } from './http2-head.js';

export interface Http2HandlerSideParts {
  readonly res: ServerResponse;
  readonly cover: Overlay;
  readonly body: Http2Body;
  onHead(head: Head): void;
  /** The handler's side has ended the answer. `callback` waits until it has left. */
  onEnd(trailers: readonly TrailerEntry[], callback: (() => void) | undefined): void;
  /** The handler's side destroys the response, ended or not. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];

/** Covers the response. What Node would refuse is refused in the call. */
export function coverHttp2Response(parts: Http2HandlerSideParts): Http2HandlerSide {
  const { res, cover } = parts;
  const side = new Http2HandlerSide(parts);
  cover.value('writeHead', (...args: Args) => side.writeHead(args));
  cover.value('flushHeaders', () => side.flushHeaders());
  cover.value('write', (...args: Args) => side.write(args));
  cover.value('end', (...args: Args) => side.end(args));
  cover.value('setTrailer', (name: unknown, value: unknown) => side.setTrailer(name, value));
  cover.value('destroy', (error?: Error) => {
    parts.onDestroy(error);
    return res;
  });
  return side;
}

export class Http2HandlerSide {
  readonly #parts: Http2HandlerSideParts;
  readonly #writeHead: ServerResponse['writeHead'];
  readonly #trailers = new Map<string, TrailerEntry[]>();
  #isOver = false;

  constructor(parts: Http2HandlerSideParts) {
    this.#parts = parts;
    this.#writeHead = parts.res.writeHead;
  }

  /** Whatever is still written is refused. */
  close(): void {
    this.#isOver = true;
  }

  writeHead(args: Args): ServerResponse {
    const { res, body, onHead } = this.#parts;
    // A second head: Node's own method refuses it.
    if (this.#isOver || body.head) return Reflect.apply(this.#writeHead, res, args);
    onHead(headWritten(res, args));
    return res;
  }

  flushHeaders(): void {
    if (this.#isOver) return;
    this.#implicitHead();
    this.#parts.body.headFlushed();
  }

  write(args: Args): boolean {
    const { chunk, encoding, callback } = parted(args);
    if (this.#isOver) {
      const error = Object.assign(new Error('write after end'), { code: 'ERR_STREAM_WRITE_AFTER_END' });
      if (callback) process.nextTick(callback, error);
      return false;
    }
    const bytes = bytesOf(chunk, encoding);
    this.#implicitHead();
    return this.#parts.body.take(bytes, callback ?? (() => {}));
  }

  end(args: Args): ServerResponse {
    const { res, cover, body, onEnd } = this.#parts;
    const { chunk, encoding, callback } = parted(args);
    if (this.#isOver) {
      if (callback) process.nextTick(callback);
      return res;
    }
    const bytes = chunk === undefined || chunk === null ? undefined : bytesOf(chunk, encoding);
    // Node sends no trailers after a head that ends the stream.
    const trailers = body.head || bytes ? [...this.#trailers.values()].flat() : [];
    this.#implicitHead();
    if (bytes) body.take(bytes, () => {});
    this.#isOver = true;
    cover.value('writableEnded', true);
    cover.value('finished', true);
    onEnd(trailers, callback);
    return res;
  }

  setTrailer(name: unknown, value: unknown): void {
    const lines = checkedTrailer(this.#parts.res, name, value);
    this.#trailers.set(String(name).trim().toLowerCase(), lines);
  }

  /** The head that Node writes by itself goes through the response, so that layers which patched its writeHead see it. */
  #implicitHead(): void {
    const { res, body } = this.#parts;
    if (!body.head) res.writeHead(res.statusCode);
  }
}

/** The arguments of `write` and `end`, which may leave out those in the middle. */
function parted(args: Args): { chunk: unknown; encoding: unknown; callback: Taken | undefined } {
  const at = args.findIndex((arg) => typeof arg === 'function');
  const [chunk, encoding] = at < 0 ? args : args.slice(0, at);
  const given = args[at];
  return { chunk, encoding, callback: isCallback(given) ? given : undefined };
}

function isCallback(given: unknown): given is Taken {
  return typeof given === 'function';
}

/** The bytes of a chunk; throws what a stream of Node throws for one that it does not take. */
function bytesOf(chunk: unknown, encoding: unknown): Buffer {
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
