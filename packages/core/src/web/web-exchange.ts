// One Request and its Response, as the lifecycle uses them.
import { ConfigurationError } from '../errors.js';
import type { RequestBody } from '../http/comparable-body.js';
import type { HeaderEntry } from '../http/headers.js';
import type { HttpContext, HttpExchange } from '../http/http-exchange.js';
import type { CapturedResponse, OutgoingResponse } from '../http/response.js';
import { ResponseBody } from '../http/response-body.js';
import { type CapturedWebResponse, captureWebResponse } from './captured-web-response.js';
import { type BodyReading, readRequestBody } from './read-request-body.js';
import { onClientGone, useExecutionSignal } from './request-signal.js';
import { headersForBytes, toHeaderEntries, toHeaders } from './response-headers.js';
import { describeUnusable, isBodyless, isResponse } from './response-shape.js';
import type { StreamedBody, StreamingBody } from './streaming-body.js';
import type { ResponseBytes, ResponseParts, WebAdapter } from './web-adapter.js';

export interface WebLimits {
  readonly maxOutcomeBytes: number;
  readonly maxRequestBytes: number;
}

/** `Made` is what `adapter.createResponse` makes. */
export class WebExchange<Made> implements HttpExchange {
  readonly identity: Request;
  readonly method: string;
  readonly originalUrl: string;
  readonly keyLines: readonly string[];
  /** What the framework sends. Rejects with what is for the framework's error handling. */
  readonly response: Promise<Response | Made>;
  readonly #adapter: WebAdapter<Made>;
  readonly #limits: WebLimits;
  #respond: (response: Response | Made | Promise<Response | Made>) => void = () => {};
  #fail: (reason: unknown) => void = () => {};
  #reading: BodyReading | undefined;
  #outerHeaders: readonly HeaderEntry[] | undefined;
  #isHandlerStarted = false;
  #captured: CapturedWebResponse | null = null;
  /** What the handler threw, or what kept its response from being captured. */
  #failure: { readonly reason: unknown } | null = null;

  constructor(adapter: WebAdapter<Made>, keyLines: readonly string[], limits: WebLimits) {
    const { request } = adapter;
    this.identity = request;
    this.method = request.method;
    this.originalUrl = withoutFragment(request.url);
    this.keyLines = keyLines;
    this.#adapter = adapter;
    this.#limits = limits;
    this.response = new Promise((resolve, reject) => {
      this.#respond = resolve;
      this.#fail = reject;
    });
  }

  /** Called when the lifecycle has finished. If it has sent something, nothing changes. */
  finish(): void {
    const outerResponse = this.#adapter.outerResponse?.();
    if (outerResponse !== undefined) this.#respond(outerResponse);
    else this.#fail(this.#brokenOff?.reason ?? new Error('The request was not handled.'));
  }

  /** Called with the error that the lifecycle leaves to the framework. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  requestHeader(name: string): string | undefined {
    return this.#adapter.request.headers.get(name) ?? undefined;
  }

  routeTemplate(): string | undefined {
    return this.#adapter.routeTemplate?.();
  }

  async whenBodyKnown(): Promise<void> {
    this.#reading ??= await readRequestBody(this.#adapter, this.#limits.maxRequestBytes);
  }

  body(): RequestBody {
    if (this.#reading === undefined || 'brokenOff' in this.#reading) return absentBody;
    if ('failure' in this.#reading) throw this.#reading.failure;
    return this.#reading.body;
  }

  /** What outer middleware sets later is the framework's to add. */
  outerHeaders(): readonly HeaderEntry[] {
    this.#outerHeaders ??= this.#adapter.outerHeaders?.() ?? [];
    return this.#outerHeaders;
  }

  canStart(): boolean {
    return this.#brokenOff === null && this.#adapter.outerResponse?.() === undefined;
  }

  onDisconnect(listener: () => void): () => void {
    return this.#adapter.onClientGone?.(listener) ?? onClientGone(this.#adapter.request, listener);
  }

  passThrough(): void {
    this.#respond(Promise.resolve().then(() => this.#adapter.passThrough()));
  }

  async runHandler(context: HttpContext): Promise<CapturedResponse | null> {
    this.outerHeaders();
    this.#isHandlerStarted = true;
    useExecutionSignal(this.#adapter.request, context);
    try {
      return await this.#capture(await this.#callHandler(context), context);
    } catch (failure) {
      this.#failure = { reason: failure };
      return null;
    }
  }

  isUnrouted(): boolean {
    return this.#captured !== null && (this.#adapter.isUnrouted?.(this.#captured.response) ?? false);
  }

  async sendCaptured(extra: readonly HeaderEntry[]): Promise<void> {
    if (this.#captured === null) return this.abortResponse();
    const { response, held, streaming } = this.#captured;
    if (streaming !== null) return streaming.close();
    // A response without a body is passed on as it is.
    if (held === null && extra.length === 0) return this.#respond(response);
    const bytes = held?.toBuffer() ?? null;
    const headers = headersForBytes(response.headers, bytes?.length ?? null, extra);
    this.#respond(this.#create(bytes, { status: response.status, statusText: response.statusText, headers }));
  }

  async sendReplay(response: OutgoingResponse): Promise<void> {
    this.#replaceResponse(response);
  }

  async sendRefusal(response: OutgoingResponse): Promise<void> {
    this.#replaceResponse(response);
  }

  abortResponse(): void {
    const reason = this.#failure === null ? new Error('The response could not be recorded.') : this.#failure.reason;
    this.#captured?.streaming?.abort(reason);
    this.#fail(reason);
  }

  /** The body of the request did not arrive as a whole. */
  get #brokenOff(): { readonly reason: unknown } | null {
    return this.#reading !== undefined && 'brokenOff' in this.#reading ? { reason: this.#reading.brokenOff } : null;
  }

  async #callHandler(context: HttpContext): Promise<Response> {
    let returned: Response;
    try {
      returned = await this.#adapter.runHandler(context);
    } catch (thrown) {
      const response = isResponse(thrown) ? thrown : await this.#adapter.responseOf?.(thrown);
      if (response === undefined) throw thrown;
      returned = response;
    }
    const problem = describeUnusable(returned);
    if (problem === null) return returned;
    throw new ConfigurationError('argument_invalid', problem);
  }

  async #capture(response: Response, context: HttpContext): Promise<CapturedResponse> {
    const { method } = this;
    const { maxOutcomeBytes } = this.#limits;
    const executionSignal = () => context.signal;
    const captured = await captureWebResponse(response, { method, maxOutcomeBytes, executionSignal });
    this.#captured = captured;
    // Read after the body, because classes of servers set the media type of a text only then.
    const headers = toHeaderEntries(response.headers);
    const head = { status: response.status, reason: response.statusText, headers, trailers: [] };
    if (captured.streaming !== null)
      return { ...head, ...(await this.#stream(captured.streaming, response)), isStreaming: true };
    const body = captured.held ?? new ResponseBody();
    return { ...head, body, size: body.byteLength, isStreaming: false };
  }

  async #stream(streaming: StreamingBody, { status, statusText, headers }: Response): Promise<StreamedBody> {
    // Servers that find the client gone may neither read the stream nor cancel it.
    const stopListening = this.onDisconnect(() => streaming.clientGone());
    try {
      this.#respond(this.#create(streaming.stream, { status, statusText, headers }));
      return await streaming.ended;
    } finally {
      stopListening();
    }
  }

  /** Where the handler has not run, a response that outer middleware has given meanwhile stays. */
  #replaceResponse(response: OutgoingResponse): void {
    const outerResponse = this.#isHandlerStarted ? undefined : this.#adapter.outerResponse?.();
    this.#captured?.streaming?.abort(new Error('Another response is on record.'));
    this.#respond(outerResponse ?? this.#createFrom(response));
  }

  #createFrom({ status, reason = '', headers, body }: OutgoingResponse): Response | Made {
    const isEmpty = isBodyless(this.method, status) || body.byteLength === 0;
    return this.#create(isEmpty ? null : body, { status, statusText: reason, headers: toHeaders(headers) });
  }

  #create(body: ResponseBytes, parts: ResponseParts): Response | Made {
    return this.#adapter.createResponse?.(body, parts) ?? new Response(body, parts);
  }
}

const absentBody: RequestBody = { headers: {}, hasBody: false, readableEnded: true, parsedBody: undefined };

function withoutFragment(url: string): string {
  const at = url.indexOf('#');
  return at < 0 ? url : url.slice(0, at);
}
