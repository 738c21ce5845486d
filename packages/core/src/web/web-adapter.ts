// The port between the web exchange and a framework: what an adapter knows about one request, and a Request does not.
import type { HeaderEntry } from '../http/headers.js';
import type { HttpContext } from '../http/http-exchange.js';

export type ResponseBytes = Uint8Array | ReadableStream<Uint8Array> | null;

/** What a response has besides its body. */
export interface ResponseParts {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}

/** A body that the framework has read before: its bytes, or what a parser made of it. */
export type KnownBody = { readonly bytes: Uint8Array } | { readonly parsed: unknown };

/** `Made` is what the framework sends besides a Response, such as a response class of its own. */
export interface WebAdapter<Made = Response> {
  readonly request: Request;
  /** Runs the handler, with the inner middleware around it. A thrown Response counts as returned. */
  runHandler(context: HttpContext): Response | Promise<Response>;
  /** Hands the request to the handler, without idempotency. */
  passThrough(): Response | Made | Promise<Response | Made>;
  /** The body where the framework has read it already. Undefined, or left out: the request has it. */
  knownBody?(): KnownBody | undefined | Promise<KnownBody | undefined>;
  /**
   * How the body of a request with a Content-Length is read. Servers on Node make a Request of their own cheap until one of the two is
   * used, and differ in which. Default `arrayBuffer`.
   */
  readonly cheapestBody?: 'arrayBuffer' | 'stream';
  /** The template of the route that will handle the request, such as `/payments/:id`. Undefined, or left out: it is not known. */
  routeTemplate?(): string | undefined;
  /** The headers that outer middleware has set on the response. Left out: there is no outer middleware that could. */
  outerHeaders?(): readonly HeaderEntry[];
  /** The response that outer middleware has given already: the handler does not run then. Undefined, or left out: there is none. */
  outerResponse?(): Response | Made | undefined;
  /** Called for a 404 or 405: whether the framework made that response because no route matched. Left out: it is not known. */
  isUnrouted?(response: Response): boolean;
  /** The response that the framework makes of something that the handler threw. Undefined, or left out: none. */
  responseOf?(thrown: unknown): Response | undefined | Promise<Response | undefined>;
  /** Makes the response to send. Left out: a Response. */
  createResponse?(body: ResponseBytes, parts: ResponseParts): Made;
  /**
   * Calls `listener` once when the client has left, and returns what removes it. Left out, or undefined: the signal of the request tells.
   * Some servers create that signal only when it is read, which costs more than a listener of their own.
   */
  onClientGone?(listener: () => void): (() => void) | undefined;
  /** Keeps the runtime awake until `work` settles, which never rejects. Called before anything else. */
  waitUntil?(work: Promise<void>): void;
}
