// One HTTP request to a handler with @Idempotent(): what the interceptors outside get, and what runs.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { ConfigurationError } from '@onceguard/core';
import {
  type CapturedResponse,
  type HeaderEntry,
  HiddenProperty,
  type HttpContext,
  type Lifecycle,
  type OutgoingResponse,
} from '@onceguard/core/http';
import {
  captureResponse,
  type FrameworkAdapter,
  headerLines,
  nodeExchange,
  removeHeadersExcept,
  replayThroughMiddleware,
  sendResponse,
} from '@onceguard/core/node';
import { Observable, type Subscriber, tap } from 'rxjs';
import { setContext } from './contexts.js';
import { HandlerRuns } from './handler-runs.js';
import type { AnyInput } from './options.js';
import { type Platform, platformOf } from './platform.js';

/** A handler of a controller, with its options checked. */
export interface HttpRoute {
  readonly lifecycle: Lifecycle<AnyInput>;
  readonly position: 'outermost' | 'route';
  /** It has `@Sse()`. */
  readonly isEventStream: boolean;
  /** It responds through `@Res()`, and Nest does not respond for it. */
  readonly respondsItself: boolean;
}

const runningHandlers = new HiddenProperty<HandlerRuns>(Symbol('onceguard.nest-handler-runs'));

/** What an interceptor returns for a request: the result of the handler, or the end of a replay or a refusal. */
export function handleRequest(route: HttpRoute, context: ExecutionContext, next: CallHandler): Observable<unknown> {
  const platform = platformOf(context);
  const { lifecycle } = route;
  const keyLines = headerLines(platform.req, lifecycle.options.headerName);
  // Called here, because Nest binds the handler to the asynchronous context of this call.
  const handled = next.handle();
  // An operator outside, such as `retry`, may subscribe again: the handler then runs again within the same attempt.
  if (runningHandlers.get(platform.req) !== undefined || !lifecycle.appliesTo(platform.req.method, keyLines))
    return handled;
  return new Observable((subscriber) => {
    if (isUnreadUpload(platform, lifecycle)) return subscriber.error(unreadUpload());
    const adapter = new NestAdapter(route, platform, keyLines, handled, subscriber);
    lifecycle.handle(platform.request, nodeExchange(adapter)).catch((error) => subscriber.error(error));
  });
}

/** Wraps the innermost step of a request, so that `handleRequest` knows when the handler stops. */
export function trackHandler(context: ExecutionContext, next: CallHandler): Observable<unknown> {
  const runs = runningHandlers.get(platformOf(context).req);
  return runs === undefined ? next.handle() : runs.track(next.handle());
}

class NestAdapter implements FrameworkAdapter {
  readonly req;
  readonly res;
  readonly originalUrl: string;
  readonly keyLines: readonly string[];
  readonly maxOutcomeBytes: number;
  readonly storeName: string;
  readonly outerHeaders?: () => readonly HeaderEntry[];
  readonly #route: HttpRoute;
  readonly #platform: Platform;
  readonly #handled: Observable<unknown>;
  readonly #subscriber: Subscriber<unknown>;
  #hasEmittedAll = false;

  constructor(
    route: HttpRoute,
    platform: Platform,
    keyLines: readonly string[],
    handled: Observable<unknown>,
    subscriber: Subscriber<unknown>,
  ) {
    this.req = platform.req;
    this.res = platform.res;
    this.originalUrl = platform.originalUrl;
    this.keyLines = keyLines;
    this.maxOutcomeBytes = route.lifecycle.options.maxOutcomeBytes;
    this.storeName = route.lifecycle.options.store.name;
    if (platform.outerHeaders !== undefined) this.outerHeaders = platform.outerHeaders;
    this.#route = route;
    this.#platform = platform;
    this.#handled = handled;
    this.#subscriber = subscriber;
  }

  routeTemplate(): string | undefined {
    return this.#platform.routeTemplate();
  }

  parsedBody(): unknown {
    return this.#platform.body();
  }

  hasParser(): boolean {
    return this.#platform.hasParser();
  }

  rawBody(): Uint8Array | undefined {
    return this.#platform.rawBody();
  }

  /** An interceptor outside has given up: it responds, and the handler must not begin. */
  canStart(): boolean {
    return !this.#subscriber.closed;
  }

  passThrough(): void {
    this.#handled.subscribe(this.#subscriber);
  }

  runHandler(context: HttpContext): Promise<void> | undefined {
    const { isEventStream, lifecycle, position } = this.#route;
    setContext(this.req, context);
    if (isEventStream) {
      this.#handled.pipe(tap({ complete: () => this.#setEmittedAll() })).subscribe(this.#subscriber);
      return undefined;
    }
    const runs = new HandlerRuns(lifecycle.options.maxExecutionMs);
    runningHandlers.set(this.req, runs);
    const tracked = position === 'route' ? runs.track(this.#handled) : runs.count(this.#handled);
    tracked.subscribe(this.#subscriber);
    return runs.stopped;
  }

  /**
   * Nest listens for a client that leaves an event stream before any interceptor runs, and then ends the response as if it were whole.
   */
  isComplete({ headers }: CapturedResponse): boolean {
    return !this.#route.isEventStream || this.#hasEmittedAll || !isEventStream(headers);
  }

  /** A handler was found, so a 404 is its own. */
  isUnrouted(): boolean {
    return false;
  }

  async sendReplay(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void> {
    const { respondThroughHooks } = this.#platform;
    if (respondThroughHooks === undefined || this.#route.isEventStream)
      return sendInPlaceOfNext(this.req, this.res, response, () => this.#emit(response.body), onSendError);
    const respondEmpty = (empty: OutgoingResponse) => {
      respondThroughHooks(empty);
      this.#emit(response.body);
    };
    replayThroughMiddleware(this.req, this.res, response, respondEmpty, onSendError);
  }

  async sendRefusal(response: OutgoingResponse, onSendError: (error: Error) => void): Promise<void> {
    const { refuseThroughHooks } = this.#platform;
    if (refuseThroughHooks === undefined || this.#route.isEventStream)
      return await this.sendReplay(response, onSendError);
    refuseThroughHooks(response);
    this.#emit(response.body);
  }

  /** The interceptors outside get what they wait for. Nest then responds to what they return. */
  #emit(body: Buffer): void {
    this.#subscriber.next(this.#route.position === 'route' ? parseBody(body) : undefined);
    this.#subscriber.complete();
    if (this.#route.respondsItself) this.#platform.end();
  }

  #setEmittedAll(): void {
    this.#hasEmittedAll = true;
  }
}

/** Sends a response in place of the one that `respond` makes Nest give. Nothing of Nest's is kept. */
function sendInPlaceOfNext(
  req: IncomingMessage,
  res: ServerResponse,
  response: OutgoingResponse,
  respond: () => void,
  onSendError: (error: Error) => void,
): void {
  const maxOutcomeBytes = Number.POSITIVE_INFINITY;
  const capture = captureResponse(req, res, { maxOutcomeBytes, keepHeadOnly: true, onSendError });
  // Interceptors that log a response read it there.
  res.statusCode = response.status;
  respond();
  void capture.ended.then(async (given) => {
    if (given === null || !capture.discard()) return capture.abort();
    removeHeadersExcept(res, response.headers);
    await sendResponse(res, response, onSendError);
  });
}

function isEventStream(headers: readonly HeaderEntry[]): boolean {
  return headers.some(([name, value]) => /^content-type$/i.test(name) && /^text\/event-stream/i.test(String(value)));
}

/** What interceptors outside get for a recorded response: its body, so that those that map the handler's value find an object. */
function parseBody(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** A fingerprint function that looks at the files of an upload finds none before an interceptor has read them. */
function isUnreadUpload({ req }: Platform, { options }: Lifecycle<AnyInput>): boolean {
  if (options.fingerprint === undefined || options.fingerprint === false || req.readableEnded) return false;
  return /^multipart\//i.test(req.headers['content-type'] ?? '');
}

function unreadUpload(): ConfigurationError {
  const remedy = "Write @Idempotent({ position: 'route', … }) above @UseInterceptors(FileInterceptor(…)).";
  return new ConfigurationError('body_not_parsed', `The files of this upload were not read yet. ${remedy}`);
}
