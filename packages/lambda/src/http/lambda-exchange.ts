// One HTTP event and its result, as the lifecycle uses them.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import {
  type CapturedResponse,
  type HeaderEntry,
  type HttpContext,
  type HttpExchange,
  type OutgoingResponse,
  type RequestBody,
  ResponseBody,
} from '@onceguard/core/http';
import type { EventRequest } from './event-request.js';
import { addHeaders, inferResponse, type ResultResponse, readResult, writeResult } from './event-result.js';

/** Runs the handler. Without a context the request is not protected. */
export type RunHandler = (context: HttpContext | undefined) => unknown;

export interface LambdaExchangeOptions {
  /** The same object for two wrappers that handle one invocation. */
  readonly identity: object;
  readonly request: EventRequest;
  readonly headerName: string;
  readonly maxOutcomeBytes: number;
  readonly runUnprotected: () => unknown;
  readonly runHandler: (context: HttpContext) => Promise<unknown>;
  /** Asked after the handler: resolves when it stops, where a time-out has given up on it. Null: it has stopped. */
  readonly whenHandlerStopped: () => Promise<void> | null;
}

export class LambdaExchange implements HttpExchange {
  readonly identity: object;
  readonly method: string;
  readonly originalUrl: string;
  readonly keyLines: readonly string[];
  /** The response says that it is not on record, and the store is asked again: Lambda must not freeze the process meanwhile. */
  awaitsRecording = false;
  #handlerResult: unknown;
  /** The handler ran without the store, and nothing will be recorded. */
  #isBypassed = false;
  #failure: { readonly error: unknown } | null = null;
  #respond: () => unknown = () => undefined;

  constructor(private readonly options: LambdaExchangeOptions) {
    const { identity, request, headerName } = options;
    this.identity = identity;
    this.method = request.method;
    this.originalUrl = request.originalUrl;
    this.keyLines = request.headerLines(headerName);
  }

  /** What the invocation returns, once the lifecycle has ended. Rejects with what the handler threw. */
  async takeResult(): Promise<unknown> {
    return await this.#respond();
  }

  routeTemplate(): string | undefined {
    return this.options.request.routeTemplate;
  }

  requestHeader(name: string): string | undefined {
    const lines = this.options.request.headerLines(name);
    return lines.length === 0 ? undefined : lines.join(', ');
  }

  body(): RequestBody {
    return this.options.request.body();
  }

  /** No layer outside of the handler has a response before it returns. */
  outerHeaders(): readonly HeaderEntry[] {
    return [];
  }

  canStart(): boolean {
    return true;
  }

  /** Lambda does not tell that a client has disconnected. */
  onDisconnect(): () => void {
    return () => {};
  }

  passThrough(): void {
    this.#respond = () => this.options.runUnprotected();
  }

  async runHandler(context: HttpContext): Promise<CapturedResponse | null> {
    const { runHandler, request, maxOutcomeBytes } = this.options;
    this.#isBypassed = context.bypassed;
    try {
      this.#handlerResult = await runHandler(context);
    } catch (error) {
      this.#failure = { error };
      return null;
    }
    const response = readResult(this.#handlerResult, request.format);
    return response === null ? null : toCaptured(response, maxOutcomeBytes);
  }

  whenHandlerStopped(): Promise<void> | null {
    return this.options.whenHandlerStopped();
  }

  async sendCaptured(extra: readonly HeaderEntry[]): Promise<void> {
    this.awaitsRecording = extra.length > 0 && !this.#isBypassed;
    this.#respond = () => (extra.length > 0 ? this.#resultWith(extra) : this.#handlerResult);
  }

  async sendReplay(response: OutgoingResponse): Promise<void> {
    this.#respond = () => writeResult(response, this.options.request.format);
  }

  async sendRefusal(response: OutgoingResponse): Promise<void> {
    await this.sendReplay(response);
  }

  /** Fails as the handler did. A malformed result is returned: the sender of the event refuses it, as without this package. */
  abortResponse(): void {
    const failure = this.#failure;
    this.#respond = () => (failure === null ? this.#handlerResult : Promise.reject(failure.error));
  }

  #resultWith(extra: readonly HeaderEntry[]): unknown {
    const { format } = this.options.request;
    const inferred = inferResponse(this.#handlerResult, format);
    if (inferred === null) return addHeaders(Object(this.#handlerResult), extra, format);
    return writeResult({ ...inferred, headers: [...inferred.headers, ...extra], trailers: [] }, format);
  }
}

/** A response that is too large, a stream, or has a header that Node cannot send is recorded as done, without the response itself. */
function toCaptured({ body, ...head }: ResultResponse, maxOutcomeBytes: number): CapturedResponse {
  const size = body?.length ?? 0;
  const isKept = body !== null && size <= maxOutcomeBytes && head.headers.every(isSendable);
  return { ...head, trailers: [], body: isKept ? new ResponseBody(body) : null, size, isStreaming: false };
}

function isSendable([name, value]: HeaderEntry): boolean {
  try {
    validateHeaderName(name);
    for (const line of [value].flat()) validateHeaderValue(name, line);
    return true;
  } catch {
    return false;
  }
}
