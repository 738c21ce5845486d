// One request and its response on node:http, as the lifecycle uses them. An adapter adds what only its framework knows.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { publish } from '../events.js';
import type { RequestBody } from '../http/comparable-body.js';
import type { HeaderEntry } from '../http/headers.js';
import type { HttpContext, HttpExchange } from '../http/http-exchange.js';
import { rawBodyOf } from '../http/raw-body.js';
import type { CapturedResponse, OutgoingResponse } from '../http/response.js';
import { nextBatch } from '../http/tick-batch.js';
import type { Capture } from './capture/capture.js';
import { captureResponse } from './capture/capture-response.js';
import { connectionOf } from './disconnect/client-connection.js';
import { hasBody, whenBodyKnown } from './request-body.js';
import { headersOf, removeHeadersExcept } from './response-head.js';
import { sendResponse } from './send-response.js';

/** What an adapter knows about one request, and node:http does not. */
export interface FrameworkAdapter {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The request target as it was received, before any router changed it. */
  readonly originalUrl: string;
  /** The lines of the key header, as `headerLines` returns them. */
  readonly keyLines: readonly string[];
  /** Bytes of a body that are held back and recorded. A larger response is streamed. */
  readonly maxOutcomeBytes: number;
  /** The name of the store, for the event `send_failed`. */
  readonly storeName: string;
  /** The body as the framework's parsers left it. */
  parsedBody(): unknown;
  /** Whether a body parser has looked at the request, even if it did not parse it. Left out: not known. */
  hasParser?(): boolean;
  /** The source of the body, where a parser of this framework keeps it. */
  rawBody?(): Uint8Array | string | undefined;
  /** Hands the request to the next middleware, without idempotency. */
  passThrough(): void;
  /** Runs the handler. A promise that it returns settles when the handler has stopped. */
  runHandler(context: HttpContext): unknown;
  /** Called for a 404 or 405: whether the framework made that response because no route matched. */
  isUnrouted(): boolean;
  /** Sends a replay in the framework's own way, before the handler was entered. Left out: it is written to `res` directly. */
  sendReplay?(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void>;
  /** The same for a refusal. */
  sendRefusal?(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void>;
}

type SendThroughFramework = FrameworkAdapter['sendReplay'];

/** The exchange that `Lifecycle.handle` takes. */
export function nodeExchange(adapter: FrameworkAdapter): HttpExchange {
  return new NodeExchange(adapter);
}

class NodeExchange implements HttpExchange {
  readonly identity: IncomingMessage;
  readonly method: string;
  readonly originalUrl: string;
  readonly keyLines: readonly string[];
  readonly #adapter: FrameworkAdapter;
  #capture: Capture | null = null;
  #runningHandler: Promise<void> | null = null;

  constructor(adapter: FrameworkAdapter) {
    this.identity = adapter.req;
    this.method = adapter.req.method ?? '';
    this.originalUrl = adapter.originalUrl;
    this.keyLines = adapter.keyLines;
    this.#adapter = adapter;
  }

  whenBodyKnown(): Promise<void> | undefined {
    return whenBodyKnown(this.#adapter.req);
  }

  body(): RequestBody {
    const { req } = this.#adapter;
    const parsedBody = this.#adapter.parsedBody();
    return {
      headers: req.headers,
      hasBody: hasBody(req),
      readableEnded: req.readableEnded || isWholeBody(req, parsedBody),
      parsedBody,
      hasParser: this.#adapter.hasParser?.(),
      rawBody: rawBodyOf(req) ?? this.#adapter.rawBody?.(),
    };
  }

  outerHeaders(): readonly HeaderEntry[] {
    return this.#capture?.baselineHeaders ?? headersOf(this.#adapter.res);
  }

  canStart(): boolean {
    const { res } = this.#adapter;
    return !res.headersSent && !res.writableEnded;
  }

  onDisconnect(listener: () => void): () => void {
    return onDisconnect(this.#adapter, listener);
  }

  passThrough(): void {
    this.#adapter.passThrough();
  }

  async runHandler(context: HttpContext): Promise<CapturedResponse | null> {
    const { req, res, maxOutcomeBytes } = this.#adapter;
    const signal = () => context.signal;
    const capture = captureResponse(req, res, { maxOutcomeBytes, signal, onSendError: this.#onSendError });
    this.#capture = capture;
    this.#trackHandler(this.#adapter.runHandler(context));
    const response = await capture.ended;
    // A handler that has responded itself returns within this iteration of the event loop.
    if (this.#runningHandler !== null) await nextBatch();
    return response;
  }

  isUnrouted(): boolean {
    return this.#adapter.isUnrouted();
  }

  whenHandlerStopped(): Promise<void> | null {
    return this.#runningHandler;
  }

  async sendCaptured(extra: readonly HeaderEntry[]): Promise<void> {
    await this.#capture?.send(extra);
  }

  async sendReplay(response: OutgoingResponse): Promise<void> {
    await this.#replaceResponse(response, this.#adapter.sendReplay);
  }

  async sendRefusal(response: OutgoingResponse): Promise<void> {
    await this.#replaceResponse(response, this.#adapter.sendRefusal);
  }

  abortResponse(): void {
    this.#capture?.abort();
  }

  async #replaceResponse(response: OutgoingResponse, sendThroughFramework: SendThroughFramework): Promise<void> {
    const { res } = this.#adapter;
    const capture = this.#capture;
    if (capture === null && !this.canStart()) return;
    if (capture === null && sendThroughFramework !== undefined)
      return await sendThroughFramework.call(this.#adapter, response, this.#onSendError);
    if (capture !== null && !capture.discard()) return capture.abort();
    removeHeadersExcept(res, response.headers);
    await sendResponse(res, response, this.#onSendError);
  }

  #trackHandler(running: unknown): void {
    if (!isPromiseLike(running)) return;
    const stop = () => {
      this.#runningHandler = null;
    };
    this.#runningHandler = Promise.resolve(running).then(stop, stop);
  }

  readonly #onSendError = (error: Error): void =>
    publish('send_failed', () => ({ store: this.#adapter.storeName, error }));
}

/** A wrapper that creates a request without Node's server may put the whole body on it, and then nothing reads the stream. */
function isWholeBody({ headers }: IncomingMessage, body: unknown): boolean {
  return isUint8Array(body) && body.byteLength === Number(headers['content-length']);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Listens to both the response and the connection. A pipelined response that waits for its turn does not emit 'close', and a stream of
 * HTTP/2 closes without its connection.
 */
function onDisconnect({ req, res }: FrameworkAdapter, listener: () => void): () => void {
  if (res.destroyed || req.socket?.destroyed) listener();
  const connection = connectionOf(req);
  res.once('close', listener);
  connection.onClose(listener);
  return () => {
    res.off('close', listener);
    connection.offClose(listener);
  };
}

/**
 * The lines of a header as received. `req.headers` joins them, and two joined lines can look like one. A header that was not received is
 * taken from `req.headers`: outer middleware has set it, or a wrapper around the request has no raw lines.
 */
export function headerLines({ rawHeaders, headers }: IncomingMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  const received = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
  return received.length > 0 ? received : toLines(headers[wanted]);
}

function toLines(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
