// One request and its response on node:http, as the lifecycle sees them; an adapter says what is its framework's own.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isUint8Array } from 'node:util/types';
import { publish } from '../events.js';
import type { RequestBody } from '../http/body.js';
import type { Exchange, HttpAnswer, HttpContext, WholeAnswer } from '../http/exchange.js';
import type { HeaderEntry } from '../http/headers.js';
import { rawBodyOf } from '../http/raw-body.js';
import { endOfTurn } from '../http/turn.js';
import { type Capture, captureResponse } from './capture.js';
import { connectionOf } from './connection.js';
import { headersOf, keepOnly } from './head.js';
import { hasBody, knowsBody } from './request-body.js';
import { sendAnswer } from './send.js';

/** What an adapter knows and node:http does not. */
export interface FrameworkSide {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** As it came in, before any router cut it. */
  readonly originalUrl: string;
  readonly maxResponseBytes: number;
  readonly store: string;
  /** What the framework's parsers left. */
  parsedBody(): unknown;
  /** Whether a body parser has looked at the request, and parsed it or not. */
  hasParser?(): boolean;
  /** The body's source where a parser of this framework keeps it. */
  rawBody?(): Uint8Array | string | undefined;
  /** Goes on without idempotency. */
  pass(): void;
  /** Lets the handler's side run. A promise that it gives settles when that side has stopped working. */
  run(context: HttpContext): unknown;
  /** Whether this 404 or 405 is what the framework says where no route answered. */
  isUnrouted(): boolean;
  /** Answers before the handler's side was entered, in the framework's own way; without it the response is written directly. */
  answer?(answer: WholeAnswer, onSendError: (error: Error) => void): Promise<void>;
}

export function nodeExchange(side: FrameworkSide): Exchange {
  return new NodeExchange(side);
}

class NodeExchange implements Exchange {
  readonly identity: IncomingMessage;
  readonly method: string;
  readonly originalUrl: string;
  readonly #side: FrameworkSide;
  #capture: Capture | null = null;
  #stopped: Promise<void> | null = null;

  constructor(side: FrameworkSide) {
    this.identity = side.req;
    this.method = side.req.method ?? '';
    this.originalUrl = side.originalUrl;
    this.#side = side;
  }

  headerLines(name: string): string[] {
    return headerLines(this.#side.req, name);
  }

  bodyKnown(): Promise<void> | undefined {
    return knowsBody(this.#side.req);
  }

  body(): RequestBody {
    const { req } = this.#side;
    const body = this.#side.parsedBody();
    return {
      headers: req.headers,
      hasBody: hasBody(req),
      readableEnded: req.readableEnded || isWhole(req, body),
      body,
      hasParser: this.#side.hasParser?.(),
      rawBody: rawBodyOf(req) ?? this.#side.rawBody?.(),
    };
  }

  liveHeaders(): readonly HeaderEntry[] {
    return this.#capture?.baseline ?? headersOf(this.#side.res);
  }

  canStart(): boolean {
    const { res } = this.#side;
    return !res.headersSent && !res.writableEnded;
  }

  onDisconnect(listener: () => void): () => void {
    return onDisconnect(this.#side, listener);
  }

  pass(): void {
    this.#side.pass();
  }

  async perform(context: HttpContext): Promise<HttpAnswer | null> {
    const { req, res, maxResponseBytes } = this.#side;
    const signal = () => context.signal;
    const begun = captureResponse(req, res, { maxResponseBytes, signal, onSendError: this.#onSendError });
    this.#capture = begun;
    this.#watch(this.#side.run(context));
    const ended = await begun.ended;
    // A handler that has answered by itself returns within this turn.
    if (this.#stopped !== null) await endOfTurn();
    return ended === null ? null : { ...ended, unrouted: isMissing(ended.status) && this.#side.isUnrouted() };
  }

  handlerStopped(): Promise<void> | null {
    return this.#stopped;
  }

  #watch(running: unknown): void {
    if (!isPromiseLike(running)) return;
    const stop = () => {
      this.#stopped = null;
    };
    this.#stopped = Promise.resolve(running).then(stop, stop);
  }

  async deliver(extra: readonly HeaderEntry[]): Promise<void> {
    await this.#capture?.send(extra);
  }

  async replace(answer: WholeAnswer): Promise<void> {
    const { res } = this.#side;
    const capture = this.#capture;
    if (capture === null && !this.canStart()) return;
    if (capture === null && this.#side.answer !== undefined) return await this.#side.answer(answer, this.#onSendError);
    if (capture !== null && !capture.withdraw()) return capture.cut();
    keepOnly(res, answer.headers);
    await sendAnswer(res, answer, this.#onSendError);
  }

  cut(): void {
    this.#capture?.cut();
  }

  readonly #onSendError = (error: Error): void => publish('send_failed', () => ({ store: this.#side.store, error }));
}

/** A wrapper that makes a request without Node's server may leave all bytes of its body on it, for nobody to read. */
function isWhole({ headers }: IncomingMessage, body: unknown): boolean {
  return isUint8Array(body) && body.byteLength === Number(headers['content-length']);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/**
 * Both are needed: the response of a pipelined request that waits for its turn does not emit 'close', and a stream of HTTP/2 closes
 * without its connection.
 */
function onDisconnect({ req, res }: FrameworkSide, listener: () => void): () => void {
  if (res.destroyed || req.socket?.destroyed) listener();
  const connection = connectionOf(req);
  res.once('close', listener);
  connection.onClose(listener);
  return () => {
    res.off('close', listener);
    connection.offClose(listener);
  };
}

function isMissing(status: number): status is 404 | 405 {
  return status === 404 || status === 405;
}

/**
 * The lines of a header as received: `headers` has joined them, and a joined pair of lines can look like one. A header that was not
 * received is taken from `headers`: a layer outside has set it, or a wrapper around the request has no raw lines.
 */
export function headerLines({ rawHeaders, headers }: IncomingMessage, name: string): string[] {
  const wanted = name.toLowerCase();
  const received = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === wanted);
  return received.length > 0 ? received : linesOf(headers[wanted]);
}

function linesOf(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [String(value)];
}
