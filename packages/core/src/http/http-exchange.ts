// The port between the lifecycle and a server: one request with its response. Every kind of server implements it.
import type { OperationContext } from '../engine/operation-context.js';
import type { RequestBody } from './comparable-body.js';
import type { HeaderEntry } from './headers.js';
import type { CapturedResponse, OutgoingResponse } from './response.js';

/** What a handler knows about its execution. */
export interface HttpContext extends OperationContext {
  /**
   * Declares that this attempt changed nothing anywhere. It is read when the response ends. A response with status 400 or above then
   * releases the key, whatever `onFailure`, `classify` and `isFinal` say, and the next request may have another payload: call it where
   * validation fails. Other responses are recorded all the same.
   */
  markNothingHappened(): void;
}

/** One request and its response, as the lifecycle uses them. */
export interface HttpExchange {
  /** An object that is the same for two middlewares that handle one request, such as Node's request. */
  readonly identity: object;
  readonly method: string;
  /** The request target as it was received, before any router changed it. */
  readonly originalUrl: string;
  /** The lines of the key header as received, one entry for each line. */
  readonly keyLines: readonly string[];
  /**
   * The template of the route that will handle the request, such as `/payments/:id`. Undefined, or left out: the framework does not know
   * it (yet). Never a path with ids in it.
   */
  routeTemplate?(): string | undefined;
  /** The value of a request header, by its name in lower case. Left out: this kind of server does not say. */
  requestHeader?(name: string): string | undefined;
  /**
   * Resolves when `body()` can be called. Left out or undefined: it can be called at once, because the head of the request says whether
   * there is a body. Never rejects.
   */
  whenBodyKnown?(): Promise<void> | undefined;
  body(): RequestBody;
  /** The headers that outer middleware has set on the response. */
  outerHeaders(): readonly HeaderEntry[];
  /** False when outer middleware has responded already: nothing may run for this request then. */
  canStart(): boolean;
  /** Calls `listener` once when the client has disconnected. The function returned removes the listener. */
  onDisconnect(listener: () => void): () => void;
  /** Hands the request to the next middleware, without idempotency. */
  passThrough(): void;
  /** Runs the handler and captures its response. Null: the handler gave no response, and none can come. Never rejects. */
  runHandler(context: HttpContext): Promise<CapturedResponse | null>;
  /**
   * Called after `runHandler` has resolved with a 404 or 405: whether the framework made that response because no route matched. Left
   * out: this kind of server does not know.
   */
  isUnrouted?(): boolean;
  /**
   * Called after `runHandler` has resolved. Where something other than the handler has responded (a time-out layer) and the handler
   * still runs: resolves when the handler stops, and never rejects. Null: the handler has stopped, or this kind of server does not know.
   */
  whenHandlerStopped?(): Promise<void> | null;
  /** Sends the captured response. Adds these headers if its head has not been sent. */
  sendCaptured(extra: readonly HeaderEntry[]): Promise<void>;
  /**
   * Sends a recorded response, in place of the handler's if there is one. The record already has what outer middleware did to the body.
   * A response that is streaming is aborted instead. Does nothing where outer middleware has responded.
   */
  sendReplay(response: OutgoingResponse): Promise<void>;
  /** Does the same for a response that is not on record. Outer middleware treats it like any response. */
  sendRefusal(response: OutgoingResponse): Promise<void>;
  /** Closes the connection, so that the client does not take the response for complete or wait for one that never comes. */
  abortResponse(): void;
}
