// What the lifecycle needs of one request and its response: the port that every kind of server implements.
import type { OperationContext } from '../engine/operation-context.js';
import type { RequestBody } from './comparable-body.js';
import type { HeaderEntry } from './headers.js';
import type { CapturedResponse, OutgoingResponse } from './response.js';

/** What a handler is told of its execution. */
export interface HttpContext extends OperationContext {
  /**
   * Says that this attempt changed nothing anywhere. Read when the answer ends. An answer of 400 or above then frees the key, whatever
   * `onFailure`, `classify` and `isFinal` say, and the next request may have another payload: call it where validation fails. Other
   * answers are recorded all the same.
   */
  markNothingHappened(): void;
}

/** The response that a handler has ended. */
export interface HttpResponse extends CapturedResponse {
  /** A 404 or 405 that no route gave. */
  readonly isUnrouted: boolean;
}

export interface HttpExchange {
  /** The request, to be recognised by when the middleware is mounted twice. */
  readonly identity: object;
  readonly method: string;
  /** As it came in, before any router cut it. */
  readonly originalUrl: string;
  /** The field lines of a header, one entry a line. */
  headerLines(name: string): readonly string[];
  /** Where the beginning of a request does not say whether it has a body: resolves when `body()` can be asked. Never rejects. */
  whenBodyKnown?(): Promise<void> | undefined;
  body(): RequestBody;
  /** The response's headers as the layers outside have set them. */
  outerHeaders(): readonly HeaderEntry[];
  /** False when the response has been answered already, by a layer outside: nothing must run for it any more. */
  canStart(): boolean;
  /** Calls back once when the client has left; the result ends that. */
  onDisconnect(listener: () => void): () => void;
  /** Goes on without idempotency. */
  passThrough(): void;
  /** Lets the handler's side run, its response held back. Null: no answer came, and none can. Never rejects. */
  runHandler(context: HttpContext): Promise<HttpResponse | null>;
  /**
   * Asked when `perform` has resolved. Where somebody else has answered while the handler still works: resolves when the handler stops,
   * and never rejects. Null where it has stopped, or where this kind of server does not know.
   */
  whenHandlerStopped?(): Promise<void> | null;
  /** Lets the handler's answer out, with these headers added if its head has not left. */
  sendCaptured(extra: readonly HeaderEntry[]): Promise<void>;
  /**
   * Sends a recorded response in place of the handler's, if there is one. Outer middleware has already changed it, before it was
   * recorded. A response that is streaming is aborted. Does nothing where outer middleware has responded.
   */
  sendReplay(response: OutgoingResponse): Promise<void>;
  /** As `sendReplay`, for a response that is not on record: outer middleware treats it as it treats any response. */
  sendRefusal(response: OutgoingResponse): Promise<void>;
  /** Ends the connection: of an answer that nobody must take for whole, or of one that will never come. */
  abortResponse(): void;
}
