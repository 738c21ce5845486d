// What the adapter suite asks of a framework: how it runs an application, and what it cannot do.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IdempotencyStore } from '@onceguard/core';
import type { HttpContext, HttpOptions } from '@onceguard/core/http';
import type { Capability } from './capabilities.js';

/** The listener for node:http. Some return a promise, which nobody awaits. */
export type Listener = (req: IncomingMessage, res: ServerResponse) => unknown;

/** A listener whose application has to be closed, too. */
export interface ClosableListener {
  readonly listener: Listener;
  close(): Promise<void>;
}

/** How requests arrive. Over HTTP/2 there are no reason phrases, no pipelining and no socket for one request alone. */
export type Transport = 'HTTP/1' | 'HTTP/2';

/** The headers of the response to come, in the framework's own way. */
export interface ResponseHeaders {
  get(name: string): string | undefined;
  set(name: string, value: string | string[]): void;
  remove(name: string): void;
}

/** What a layer gets, whatever the framework. */
export interface LayerCall {
  /** The request of node:http. */
  readonly req: IncomingMessage;
  /** What the framework passes to its handlers and to option functions. */
  readonly native: unknown;
  /** Undefined in a layer outside of the adapter, and where the request has no key. */
  readonly context: HttpContext | undefined;
  readonly headers: ResponseHeaders;
}

/** What a handler gets, whatever the framework. */
export interface Call extends LayerCall {
  /** With the capability `raw`: the response of node:http. Where a framework must be told that a handler uses it, reading it does so. */
  readonly res: ServerResponse;
  /** With the capability `raw`: tells the framework that the handler responds to `res` by itself, whatever it does then. */
  hijack(): void;
  /** The body as the framework's parsers left it. */
  readonly body: unknown;
  /** Whether a response has been sent already, as the handler sees it. */
  readonly headersSent: boolean;
}

/** A response in the framework's own way. The body: an object is sent as JSON; text, bytes and a Readable as they are. */
export interface GivenReply {
  readonly status?: number;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: unknown;
}

/**
 * How a handler responds: in the framework's own way; `raw` where it writes to `call.res` itself; `native` where it has
 * responded through `call.native`, or a layer has responded meanwhile.
 */
export type Reply = 'raw' | 'native' | GivenReply;

export type Handler = (call: Call) => Reply | Promise<Reply>;

/**
 * What a layer does with a request. Undefined passes it on. A reply is sent in place of what is inside. `unrouted` ends the layer without
 * a response, so that the framework sends its 404. `close` closes the connection. A promise passes the request on at once; what it
 * resolves with happens then, unless what is inside has responded before.
 */
export type LayerResult = undefined | GivenReply | 'unrouted' | 'close';
export type LayerAction = (call: LayerCall) => LayerResult | Promise<LayerResult>;

export type NodeLayer = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

/** A usual way in which applications of the framework respond once the time is up, while the handler works. */
export interface TimeoutLayer {
  /** The status that it sends. */
  readonly status: number;
  /** Whether the adapter sees that the handler still works, so that the key is kept until it has ended. */
  readonly keepsKey: boolean;
  /** `timeIsUp` is called once for each request, and resolves when its time is up. */
  mount(timeIsUp: () => Promise<void>): Pick<AppSpec, 'outer' | 'inner'>;
}

/**
 * A time-out layer outside of an adapter that takes what the handler returns: the adapter does not see the layer's response, and keeps
 * the key until the handler has ended.
 */
export interface UnseenTimeoutLayer extends Omit<TimeoutLayer, 'keepsKey'> {
  /** Whether the framework still gives the handler's response to the adapter. If not, the handler counts as failed. */
  readonly keepsResponse: boolean;
}

/** The options common to all adapters; functions get the native request. */
export type Options = Partial<Omit<HttpOptions<never>, 'scope' | 'key' | 'skip' | 'fingerprint'>> & {
  readonly scope?: unknown;
  readonly key?: unknown;
  readonly skip?: unknown;
  readonly fingerprint?: unknown;
};

/**
 * `json`: JSON, text, forms and application/octet-stream are parsed, and nothing else; `source kept`: the same, with the source kept;
 * `multipart`: the same as `json`, and fields of a multipart body; `all as JSON`: every body is parsed as JSON; `none`: nothing is parsed.
 */
export type Parser = 'json' | 'source kept' | 'multipart' | 'all as JSON' | 'none';

export interface AppSpec {
  readonly store: IdempotencyStore;
  /** Handles every method and path under the adapter. */
  readonly handler: Handler;
  readonly options?: Options;
  /** Default `json`. */
  readonly parser?: Parser;
  /** Layers outside of (before) the adapter, and inside of it: of the framework itself, or from `layer`, `nodeLayer`, `bodyLayer`. */
  readonly outer?: readonly unknown[];
  readonly inner?: readonly unknown[];
  /** Gives the application an error handler, which adds each error here and responds with 500 `handled`. */
  readonly handled?: unknown[];
  /** Express' own error handler shows stacks, except in production. Default `test`. */
  readonly env?: 'test' | 'production';
  /** The same application without the adapter, for comparison. */
  readonly plain?: boolean;
  /** The application has no route: it responds with whatever the framework says then. */
  readonly unrouted?: boolean;
}

export interface Framework {
  readonly name: string;
  readonly transport: Transport;
  /** What it cannot do, each with the reason as one sentence for users. Tests that need it are left out. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>;
  /** An application of this spec, with the scope `public` unless the options have another. */
  listener(spec: AppSpec): Listener | ClosableListener | Promise<Listener | ClosableListener>;
  /** A header of the request, from what option functions get. */
  header(native: unknown, name: string): string | undefined;
  /** The parsed body, from what option functions get. May be a promise. */
  parsedBody(native: unknown): unknown;
  /** A layer of this framework that acts so. With `outerLayers` or `innerLayers`. */
  layer?(action: LayerAction): unknown;
  /** Middleware of node:http as a layer of this framework. With `nodeLayers`. */
  nodeLayer?(run: NodeLayer): unknown;
  /** A layer that changes the text of every response. With `bodyLayers`. */
  bodyLayer?(change: (body: string) => string): unknown;
  /** The adapter as a layer, to be mounted inside of itself; `exports` is another copy of the adapter's package. With `nesting`. */
  middleware?(store: IdempotencyStore, options?: Options, exports?: object): unknown;
  /** The adapter's package. With `nesting`. */
  readonly packageName?: string;
  /** Applications that mount the adapter and the handler at `/a` and at `/b`, by the way in which they do. With `routers`. */
  readonly routers?: Readonly<Record<string, (spec: AppSpec) => Listener | Promise<Listener>>>;
  /** By name. With `timeouts`. */
  readonly timeouts?: Readonly<Record<string, TimeoutLayer>>;
  /** By name. Left out: the adapter sees every response. */
  readonly unseenTimeouts?: Readonly<Record<string, UnseenTimeoutLayer>>;
}
