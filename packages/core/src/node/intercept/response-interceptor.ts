// Overrides the methods with which the handler and inner middleware write a response.
import type { ServerResponse } from 'node:http';
import type { TrailerEntry } from '../../http/response.js';
import type { ResponseBuffer } from '../capture/response-buffer.js';
import { headersOf, setHeadersInOrder } from '../response-head.js';
import { parseTrailers } from '../trailers.js';
import type { DryRun } from './dry-run.js';
import type { CallOriginal } from './original-methods.js';
import type { PropertyOverrides } from './property-overrides.js';
import { captureSimpleResponse } from './simple-response.js';
import { chunkToBuffer, splitWriteArguments } from './write-arguments.js';

export interface ResponseInterceptorOptions {
  readonly res: ServerResponse;
  readonly callOriginal: CallOriginal;
  readonly overrides: PropertyOverrides;
  readonly dryRun: DryRun;
  readonly buffer: ResponseBuffer;
  /** The handler has ended the response. */
  onEnd(trailers: readonly TrailerEntry[]): void;
  /** The handler destroys the response, before or after its end. */
  onDestroy(error: Error | undefined): void;
}

type Args = readonly unknown[];
const noop = (): void => {};

/** Each overridden method makes a dry run first, so it throws and warns as Node's own method does. */
export function interceptResponse(options: ResponseInterceptorOptions): void {
  const { res, overrides } = options;
  const interceptor = new ResponseInterceptor(options);
  overrides.override('writeHead', interceptor.installedWriteHead);
  // Node 26 removed this second name.
  if ('writeHeader' in res)
    overrides.override('writeHeader', (...args: Args) => Reflect.apply(res.writeHead, res, args));
  overrides.override('flushHeaders', () => interceptor.flushHeaders());
  overrides.override('write', (...args: Args) => interceptor.write(args));
  overrides.override('end', (...args: Args) => interceptor.end(args));
  overrides.override('addTrailers', (trailers: unknown) => interceptor.addTrailers(trailers));
  overrides.override('destroy', (error?: Error) => {
    options.onDestroy(error);
    return res;
  });
}

class ResponseInterceptor {
  readonly installedWriteHead = (...args: Args): ServerResponse => this.#writeHead(args);
  readonly #options: ResponseInterceptorOptions;
  #trailers: readonly TrailerEntry[] = [];

  constructor(options: ResponseInterceptorOptions) {
    this.#options = options;
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
    dryRun.run((shadow) => shadow.flushHeaders());
    if (!dryRun.isFinished) buffer.headFlushed();
  }

  write(args: Args): boolean {
    const { dryRun, buffer } = this.#options;
    const { chunk, encoding, callback = noop } = splitWriteArguments(args);
    const bytes = dryRun.acceptsAnyBytes ? chunkToBuffer(chunk, encoding) : undefined;
    if (bytes) return buffer.write(bytes, callback, typeof chunk === 'string');
    const isFinished = dryRun.isFinished;
    const isWritable = dryRun.run((shadow) =>
      Reflect.apply(shadow.write, shadow, isFinished ? args : [chunk, encoding]),
    );
    if (isFinished) return isWritable;
    return buffer.write(acceptedToBuffer(chunk, encoding), callback, typeof chunk === 'string');
  }

  addTrailers(trailers: unknown): void {
    this.#options.dryRun.run((shadow) => Reflect.apply(shadow.addTrailers, shadow, [trailers]));
    this.#trailers = parseTrailers(trailers);
  }

  end(args: Args): ServerResponse {
    const { res, overrides, dryRun, buffer, onEnd } = this.#options;
    const { chunk, encoding, callback } = splitWriteArguments(args);
    const isFinished = dryRun.isFinished;
    const isSimple = this.#captureSimpleResponse(chunk, encoding);
    if (!isSimple)
      dryRun.run((shadow) => Reflect.apply(shadow.end, shadow, isFinished && chunk ? args : [chunk, encoding]));
    // Node accepts a second end that brings no bytes. Its callback waits for the first end.
    if (callback && (!isFinished || !chunk)) res.once('finish', () => callback());
    if (isFinished) return res;
    if (!isSimple && chunk) buffer.write(acceptedToBuffer(chunk, encoding), noop, typeof chunk === 'string');
    // Node's own property shows the end of a held response. The end of a streaming one has not reached Node yet.
    if (buffer.isStreaming) overrides.overrideAccessor('writableEnded', true);
    // Node sends trailers with chunked coding only, and drops them otherwise.
    onEnd(dryRun.isChunked ? this.#trailers : []);
    return res;
  }

  /** Inner middleware that patched `writeHead` waits for the implicit head, which only a dry run writes. */
  #captureSimpleResponse(chunk: unknown, encoding: unknown): boolean {
    const { res, dryRun, buffer } = this.#options;
    return res.writeHead === this.installedWriteHead && captureSimpleResponse(res, dryRun, buffer, chunk, encoding);
  }
}

/** The bytes of a chunk that Node accepted. It ignores an unknown encoding where it sends no body. */
function acceptedToBuffer(chunk: unknown, encoding: unknown): Buffer {
  return chunkToBuffer(chunk, encoding) ?? Buffer.from(String(chunk));
}
