// One request and its response on node:http, as the lifecycle sees them; an adapter says what is its framework's own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { publish } from '../events.js';
import type { RequestBody } from '../http/comparable-body.js';
import type { HeaderEntry } from '../http/headers.js';
import type { HttpContext, HttpExchange, HttpResponse } from '../http/http-exchange.js';
import { rawBodyOf } from '../http/raw-body.js';
import type { OutgoingResponse } from '../http/response.js';
import { nextBatch } from '../http/tick-batch.js';
import { type Capture, captureResponse } from './capture/capture.js';
import { connectionOf } from './disconnect/client-connection.js';
import { hasBody, whenBodyKnown } from './request-body.js';
import { headersOf, removeHeadersExcept } from './response-head.js';
import { sendResponse } from './send-response.js';

/** What an adapter knows and node:http does not. */
export interface FrameworkAdapter {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** As it came in, before any router cut it. */
  readonly originalUrl: string;
  readonly maxOutcomeBytes: number;
  readonly storeName: string;
  /** What the framework's parsers left. */
  parsedBody(): unknown;
  /** Whether a body parser has looked at the request, and parsed it or not. */
  hasParser?(): boolean;
  /** The body's source where a parser of this framework keeps it. */
  rawBody?(): Uint8Array | string | undefined;
  /** Goes on without idempotency. */
  passThrough(): void;
  /** Lets the handler's side run. A promise that it gives settles when that side has stopped working. */
  runHandler(context: HttpContext): unknown;
  /** Whether this 404 or 405 is what the framework says where no route answered. */
  isUnrouted(): boolean;
  /** Sends a replay in the framework's own way, before the handler was entered. Left out: it is written to the response directly. */
  sendReplay?(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void>;
  /** The same for a refusal. */
  sendRefusal?(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void>;
}

export function nodeExchange(adapter: FrameworkAdapter): HttpExchange {
  return new NodeExchange(adapter);
}

class NodeExchange implements HttpExchange {
  readonly identity: IncomingMessage;
  readonly method: string;
  readonly originalUrl: string;
  readonly #adapter: FrameworkAdapter;
  #capture: Capture | null = null;
  #runningHandler: Promise<void> | null = null;

  constructor(side: FrameworkAdapter) {
    this.identity = side.req;
    this.method = side.req.method ?? '';
    this.originalUrl = side.originalUrl;
    this.#adapter = side;
  }

  headerLines(name: string): string[] {
    return headerLines(this.#adapter.req, name);
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
      readableEnded: req.readableEnded || hasWholeBody(req, parsedBody),
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

  async runHandler(context: HttpContext): Promise<HttpResponse | null> {
    const { req, res, maxOutcomeBytes } = this.#adapter;
    const signal = () => context.signal;
    const begun = captureResponse(req, res, { maxOutcomeBytes, signal, onSendError: this.#onSendError });
    this.#capture = begun;
    this.#trackHandler(this.#adapter.runHandler(context));
    const ended = await begun.ended;
    // A handler that has answered by itself returns within this turn.
    if (this.#runningHandler !== null) await nextBatch();
    return ended === null
      ? null
      : { ...ended, isUnrouted: isNotFoundOrNotAllowed(ended.status) && this.#adapter.isUnrouted() };
  }

  whenHandlerStopped(): Promise<void> | null {
    return this.#runningHandler;
  }

  #trackHandler(running: unknown): void {
    if (!isPromiseLike(running)) return;
    const stop = () => {
      this.#runningHandler = null;
    };
    this.#runningHandler = Promise.resolve(running).then(stop, stop);
  }

  async sendCaptured(extra: readonly HeaderEntry[]): Promise<void> {
    await this.#capture?.send(extra);
  }

  async sendReplay(response: OutgoingResponse): Promise<void> {
    await this.#replaceResponse(response, (replay, onSendError) => this.#adapter.sendReplay?.(replay, onSendError));
  }

  async sendRefusal(response: OutgoingResponse): Promise<void> {
    await this.#replaceResponse(response, (refusal, onSendError) => this.#adapter.sendRefusal?.(refusal, onSendError));
  }

  async #replaceResponse(
    response: OutgoingResponse,
    sendThroughFramework: (
      response: OutgoingResponse,
      onSendError: (error: Error) => void,
    ) => Promise<void> | undefined,
  ): Promise<void> {
    const { res } = this.#adapter;
    const capture = this.#capture;
    if (capture === null && !this.canStart()) return;
    const sending = capture === null ? sendThroughFramework(response, this.#onSendError) : undefined;
    if (sending !== undefined) return await sending;
    if (capture !== null && !capture.discard()) return capture.abort();
    removeHeadersExcept(res, response.headers);
    await sendResponse(res, response, this.#onSendError);
  }

  abortResponse(): void {
    this.#capture?.abort();
  }

  readonly #onSendError = (error: Error): void =>
    publish('send_failed', () => ({ store: this.#adapter.storeName, error }));
}

/** A wrapper that makes a request without Node's server may leave all bytes of its body on it, for nobody to read. */
function hasWholeBody({ headers }: IncomingMessage, body: unknown): boolean {
  return isUint8Array(body) && body.byteLength === Number(headers['content-length']);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Both are needed: the response of a pipelined request that waits for its turn does not emit 'close', and a stream of HTTP/2 closes
 * without its connection.
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

function isNotFoundOrNotAllowed(status: number): status is 404 | 405 {
  return status === 404 || status === 405;
}

/**
 * The lines of a header as received: `headers` has joined them, and a joined pair of lines can look like one. A header that was not
 * received is taken from `headers`: a layer outside has set it, or a wrapper around the request has no raw lines.
 */
export function headerLines({ rawHeaders, headers }: IncomingMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  const received = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
  return received.length > 0 ? received : fieldLinesOf(headers[wanted]);
}

function fieldLinesOf(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
