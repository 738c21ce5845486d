// One request and its reply on Fastify, as the lifecycle uses them.
//
// The reply is taken in an onSend hook (`reply-interceptor.ts`). The raw response is captured as well: by `@onceguard/core/node`, which
// records what is written past Fastify's hooks (`reply.raw`, `reply.hijack()`, a stream that is too large to be held) and hides from the
// handler that its client has disconnected. Whichever comes first is the response.
import type { IncomingMessage } from 'node:http';
import {
  type CapturedResponse,
  type CheckedHttpOptions,
  type HeaderEntry,
  type HttpContext,
  type HttpExchange,
  nextBatch,
  type OutgoingResponse,
  rawBodyOf,
} from '@onceguard/core/http';
import {
  type Capture,
  captureResponse,
  onDisconnect,
  publishSendFailed,
  removeHeadersExcept,
  requestBody,
  sendResponse,
  whenBodyKnown,
} from '@onceguard/core/node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HandlerRun } from './handler-run.js';
import { sendRefusal, sendReplay } from './outgoing-reply.js';
import { headersOf } from './reply-head.js';
import { ReplyInterceptor } from './reply-interceptor.js';

export interface GuardedRequest {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** The lines of the key header. */
  readonly keyLines: readonly string[];
  readonly handlerRun: HandlerRun;
  readonly options: Pick<CheckedHttpOptions<FastifyRequest>, 'maxOutcomeBytes' | 'store'>;
}

export class FastifyExchange implements HttpExchange {
  readonly identity: IncomingMessage;
  readonly method: string;
  readonly originalUrl: string;
  readonly keyLines: readonly string[];
  readonly #guarded: GuardedRequest;
  readonly #interceptor: ReplyInterceptor;
  #outerHeaders: readonly HeaderEntry[] | null = null;
  #capture: Capture | null = null;

  constructor(guarded: GuardedRequest) {
    const { request, reply, keyLines, options } = guarded;
    this.identity = request.raw;
    this.method = request.method;
    this.originalUrl = request.originalUrl;
    this.keyLines = keyLines;
    this.#guarded = guarded;
    this.#interceptor = new ReplyInterceptor(reply, options.maxOutcomeBytes);
  }

  /** The first onSend hook of the route. */
  onSend(payload: unknown): Promise<unknown> {
    return this.#interceptor.onSend(payload);
  }

  routeTemplate(): string | undefined {
    return this.#guarded.request.routeOptions.url;
  }

  requestHeader(name: string): string | undefined {
    const value = this.#guarded.request.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  whenBodyKnown(): Promise<void> | undefined {
    return whenBodyKnown(this.#guarded.request.raw);
  }

  body() {
    const { request } = this.#guarded;
    // Fastify has refused media types for which it has no parser, so `hasParser` need not be known.
    return requestBody(request.raw, {
      parsedBody: request.body,
      rawBody: rawBodyOf(request) ?? rawBodyOfPlugin(request),
    });
  }

  outerHeaders(): readonly HeaderEntry[] {
    return this.#outerHeaders ?? headersOf(this.#guarded.reply);
  }

  canStart(): boolean {
    const { raw } = this.#guarded.reply;
    return !raw.headersSent && !raw.writableEnded && !this.#interceptor.hasOuterReply;
  }

  onDisconnect(listener: () => void): () => void {
    const { request, reply } = this.#guarded;
    return onDisconnect(request.raw, reply.raw, listener);
  }

  passThrough(): void {
    this.#interceptor.stop();
    this.#guarded.handlerRun.start();
  }

  async runHandler(context: HttpContext): Promise<CapturedResponse | null> {
    const { request, reply, handlerRun, options } = this.#guarded;
    this.#outerHeaders = headersOf(reply);
    const capture = captureResponse(request.raw, reply.raw, {
      maxOutcomeBytes: options.maxOutcomeBytes,
      signal: () => context.signal,
      onSendError: this.#onSendError,
    });
    this.#capture = capture;
    request.idempotency = context;
    this.#interceptor.start();
    handlerRun.resolveAwaitedReply();
    handlerRun.start();
    const response = await Promise.race([this.#interceptor.held, capture.ended]);
    handlerRun.replied();
    // A handler that has replied itself returns within this iteration of the event loop.
    if (handlerRun.stopped !== null) await nextBatch();
    return response;
  }

  whenHandlerStopped(): Promise<void> | null {
    return this.#guarded.handlerRun.stopped;
  }

  async sendCaptured(extra: readonly HeaderEntry[]): Promise<void> {
    if (!this.#interceptor.isHolding) {
      this.#interceptor.stop();
      return await this.#capture?.send(extra);
    }
    this.#capture?.release();
    this.#interceptor.release({ extra });
  }

  async sendReplay(replay: OutgoingResponse): Promise<void> {
    const { reply } = this.#guarded;
    await this.#replaceResponse(replay, () => sendReplay(reply, this.#interceptor, replay));
  }

  async sendRefusal(refusal: OutgoingResponse): Promise<void> {
    const { reply } = this.#guarded;
    await this.#replaceResponse(refusal, () => {
      this.#interceptor.stop();
      sendRefusal(reply, refusal);
    });
  }

  abortResponse(): void {
    this.#capture?.abort();
  }

  /** `sendThroughFastify` is called where the handler was not entered. */
  async #replaceResponse(response: OutgoingResponse, sendThroughFastify: () => void): Promise<void> {
    const capture = this.#capture;
    if (capture === null) {
      if (!this.canStart()) return;
      sendThroughFastify();
      return this.#guarded.handlerRun.skip();
    }
    if (!capture.discard()) return capture.abort();
    if (this.#interceptor.isHolding) return this.#interceptor.release({ replacement: response });
    this.#interceptor.stop();
    const { raw } = this.#guarded.reply;
    removeHeadersExcept(raw, response.headers);
    await sendResponse(raw, response, this.#onSendError);
  }

  readonly #onSendError = (error: Error): void => publishSendFailed(this.#guarded.options.store.name, error);
}

/** Where the plugin fastify-raw-body keeps the source. */
function rawBodyOfPlugin(request: FastifyRequest): Uint8Array | string | undefined {
  const source: unknown = Reflect.get(request, 'rawBody');
  return typeof source === 'string' || source instanceof Uint8Array ? source : undefined;
}
