// One request and its response on node:http, as the lifecycle uses them. An adapter adds what only its framework knows.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { publish } from '../events.js';
import type { RequestBody } from '../http/comparable-body.js';
import type { HeaderEntry } from '../http/headers.js';
import type { HttpContext, HttpExchange } from '../http/http-exchange.js';
import type { CapturedResponse, OutgoingResponse } from '../http/response.js';
import { nextBatch } from '../http/tick-batch.js';
import type { Capture } from './capture/capture.js';
import { captureResponse } from './capture/capture-response.js';
import { connectionOf } from './disconnect/client-connection.js';
import { requestBody, whenBodyKnown } from './request-body.js';
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
  /** The template of the route that will handle the request. Left out, or undefined: not known. Never a path with ids in it. */
  routeTemplate?(): string | undefined;
  /** The body as the framework's parsers left it. */
  parsedBody(): unknown;
  /** Whether a body parser has looked at the request, even if it did not parse it. Left out: not known. */
  hasParser?(): boolean;
  /** The source of the body, where a parser of this framework keeps it. */
  rawBody?(): Uint8Array | string | undefined;
  /** The headers that outer middleware has set, where the framework keeps them outside of `res`. Left out: those of `res`. */
  outerHeaders?(): readonly HeaderEntry[];
  /** False: outer middleware has given this request up. Left out: the handler may start while `res` has not been written. */
  canStart?(): boolean;
  /** Hands the request to the next middleware, without idempotency. */
  passThrough(): void;
  /** Runs the handler. A promise that it returns settles when the handler has stopped. */
  runHandler(context: HttpContext): unknown;
  /** Called for a response that has ended: false where the framework has cut it short. Left out: none is cut short. */
  isComplete?(response: CapturedResponse): boolean;
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
  #outerHeaders: readonly HeaderEntry[] | null = null;
  #runningHandler: Promise<void> | null = null;

  constructor(adapter: FrameworkAdapter) {
    this.identity = adapter.req;
    this.method = adapter.req.method ?? '';
    this.originalUrl = adapter.originalUrl;
    this.keyLines = adapter.keyLines;
    this.#adapter = adapter;
  }

  routeTemplate(): string | undefined {
    return this.#adapter.routeTemplate?.();
  }

  requestHeader(name: string): string | undefined {
    const value: unknown = this.#adapter.req.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  whenBodyKnown(): Promise<void> | undefined {
    return whenBodyKnown(this.#adapter.req);
  }

  body(): RequestBody {
    const { req } = this.#adapter;
    return requestBody(req, {
      parsedBody: this.#adapter.parsedBody(),
      hasParser: this.#adapter.hasParser?.(),
      rawBody: this.#adapter.rawBody?.(),
    });
  }

  outerHeaders(): readonly HeaderEntry[] {
    return this.#outerHeaders ?? this.#adapter.outerHeaders?.() ?? headersOf(this.#adapter.res);
  }

  canStart(): boolean {
    const { res } = this.#adapter;
    return !res.headersSent && !res.writableEnded && (this.#adapter.canStart?.() ?? true);
  }

  onDisconnect(listener: () => void): () => void {
    return onDisconnect(this.#adapter.req, this.#adapter.res, listener);
  }

  passThrough(): void {
    this.#adapter.passThrough();
  }

  async runHandler(context: HttpContext): Promise<CapturedResponse | null> {
    const { req, res, maxOutcomeBytes } = this.#adapter;
    const signal = () => context.signal;
    const capture = captureResponse(req, res, { maxOutcomeBytes, signal, onSendError: this.#onSendError });
    this.#capture = capture;
    this.#outerHeaders = this.#adapter.outerHeaders?.() ?? capture.baselineHeaders;
    this.#trackHandler(this.#adapter.runHandler(context));
    const response = await capture.ended;
    // A handler that has responded itself returns within this iteration of the event loop.
    if (this.#runningHandler !== null) await nextBatch();
    return response !== null && this.#adapter.isComplete?.(response) === false ? null : response;
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

  readonly #onSendError = (error: Error): void => publishSendFailed(this.#adapter.storeName, error);
}

/** A send failed, and the connection was closed: publishes the event `send_failed`. */
export function publishSendFailed(storeName: string, error: Error): void {
  publish('send_failed', () => ({ store: storeName, error }));
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Calls `listener` once the client has disconnected. The function returned removes the listener. Listens to both the response and the
 * connection: a pipelined response that waits for its turn does not emit 'close', and a stream of HTTP/2 closes without its connection.
 */
export function onDisconnect(req: IncomingMessage, res: ServerResponse, listener: () => void): () => void {
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
  const received: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = rawHeaders[at] as string;
    // Most names differ in length already.
    if (header.length === wanted.length && header.toLowerCase() === wanted) received.push(rawHeaders[at + 1] as string);
  }
  return received.length > 0 ? received : toLines(headers[wanted]);
}

function toLines(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
