// What stands on a response while it is captured: the methods that the handler and layers inside use.

import type { ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { TrailerEntry } from '../../http/response.js';
import type { ResponseBuffer } from '../capture/response-buffer.js';
import type { WriteCallback } from '../capture/streaming-response.js';
import { formatHead, headersOf, setHeadersInOrder } from '../response-head.js';
import { parseTrailers } from '../trailers.js';
import type { DryRun } from './dry-run.js';
import type { CallOriginal } from './original-methods.js';
import type { PropertyOverrides } from './property-overrides.js';
import { asSimpleResponse } from './simple-response.js';

export interface ResponseInterceptorOptions {
  readonly res: ServerResponse;
  readonly callOriginal: CallOriginal;
  readonly overrides: PropertyOverrides;
  readonly dryRun: DryRun;
  readonly buffer: ResponseBuffer;
  /** The handler's side has ended the answer. */
  onEnd(trailers: readonly TrailerEntry[]): void;
  /** The handler's side destroys the response, ended or not. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];
const noop = (): void => {};

/** Covers the response. Each method asks the rehearsal first, so it throws and complains as Node's own does. */
export function interceptResponse(options: ResponseInterceptorOptions): void {
  const { res, overrides } = options;
  const interceptor = new ResponseInterceptor(options);
  overrides.override('writeHead', interceptor.installedWriteHead);
  // Node 26 has it no longer.
  if ('writeHeader' in res)
    overrides.override('writeHeader', (...args: Args) => Reflect.apply(res.writeHead, res, args));
  overrides.override('flushHeaders', () => interceptor.flushHeaders());
  overrides.override('write', (...args: Args) => interceptor.write(args));
  overrides.override('end', (...args: Args) => interceptor.end(args));
  overrides.override('addTrailers', (given: unknown) => interceptor.addTrailers(given));
  overrides.override('destroy', (error?: Error) => {
    options.onDestroy(error);
    return res;
  });
}

class ResponseInterceptor {
  readonly installedWriteHead = (...args: Args): ServerResponse => this.#writeHead(args);
  readonly #options: ResponseInterceptorOptions;
  #trailers: readonly TrailerEntry[] = [];

  constructor(parts: ResponseInterceptorOptions) {
    this.#options = parts;
  }

  #writeHead(args: Args): ServerResponse {
    const { res, dryRun, buffer, callOriginal } = this.#options;
    const { status, reason, headers } = dryRun.writeHead(args);
    if (dryRun.isClosed) return res;
    setHeadersInOrder(res, callOriginal, headers);
    res.statusCode = status;
    res.statusMessage = reason;
    buffer.headWritten({ status, reason, headers: headersOf(res) }, dryRun.isChunked, dryRun.headText);
    return res;
  }

  flushHeaders(): void {
    const { dryRun, buffer } = this.#options;
    dryRun.run((on) => on.flushHeaders());
    if (!dryRun.isFinished) buffer.headFlushed();
  }

  write(args: Args): boolean {
    const { dryRun, buffer } = this.#options;
    const { chunk, encoding, callback } = splitWriteArguments(args);
    if (dryRun.acceptsAnyBytes && isEncodable(chunk, encoding))
      return buffer.write(toBuffer(chunk, encoding), callback, typeof chunk === 'string');
    const isOver = dryRun.isFinished;
    const isTaken = dryRun.run((on) => Reflect.apply(on.write, on, isOver ? args : [chunk, encoding]));
    return isOver ? isTaken : buffer.write(toBuffer(chunk, encoding), callback, typeof chunk === 'string');
  }

  addTrailers(given: unknown): void {
    this.#options.dryRun.run((on) => Reflect.apply(on.addTrailers, on, [given]));
    this.#trailers = parseTrailers(given);
  }

  end(args: Args): ServerResponse {
    const { res, overrides, dryRun, buffer, onEnd } = this.#options;
    const { chunk, encoding, callback } = splitWriteArguments(args);
    const isOver = dryRun.isFinished;
    const isOrdinary = this.#endWithoutDryRun(chunk, encoding);
    if (!isOrdinary) dryRun.run((on) => Reflect.apply(on.end, on, isOver && chunk ? args : [chunk, encoding]));
    // A second end that brings no bytes is no mistake: it waits for the first.
    if (callback !== noop && (!isOver || !chunk)) res.once('finish', () => callback());
    if (isOver) return res;
    if (!isOrdinary && chunk) buffer.write(toBuffer(chunk, encoding), noop, typeof chunk === 'string');
    // The end of an answer that flows is held back; of one that is held Node's own property tells.
    if (buffer.isStreaming) overrides.override('writableEnded', true);
    // Node sends trailers with chunked coding only, and drops them otherwise.
    onEnd(dryRun.isChunked ? this.#trailers : []);
    return res;
  }

  /** An ordinary answer is not rehearsed, unless a layer inside waits for the head that Node writes by itself. */
  #endWithoutDryRun(chunk: unknown, encoding: unknown): boolean {
    const { res, dryRun, buffer } = this.#options;
    if (!dryRun.isUntouched || res.writeHead !== this.installedWriteHead) return false;
    const ordinary = asSimpleResponse(res, chunk, encoding);
    if (!ordinary) return false;
    const text = formatHead(ordinary);
    if (!buffer.tryBufferWhole(ordinary, text)) return false;
    dryRun.skip(text);
    res.statusMessage = ordinary.reason;
    return true;
  }
}

/** The arguments of `write` and `end`, which may leave out those in the middle. */
function splitWriteArguments(args: Args): { chunk: unknown; encoding: unknown; callback: WriteCallback } {
  const at = args.findIndex((arg) => typeof arg === 'function');
  const [chunk, encoding] = at < 0 ? args : args.slice(0, at);
  const given = args[at];
  return { chunk, encoding, callback: isWriteCallback(given) ? given : noop };
}

function isWriteCallback(given: unknown): given is WriteCallback {
  return typeof given === 'function';
}

function isEncodable(chunk: unknown, encoding: unknown): boolean {
  if (isUint8Array(chunk)) return true;
  const isKnown =
    encoding === undefined || encoding === null || (typeof encoding === 'string' && Buffer.isEncoding(encoding));
  return typeof chunk === 'string' && isKnown;
}

function toBuffer(chunk: unknown, encoding: unknown): Buffer {
  if (isUint8Array(chunk)) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return Buffer.from(String(chunk), typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8');
}
