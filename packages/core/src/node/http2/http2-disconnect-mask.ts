// Hides a disconnect of the client on a captured response over HTTP/2, and on its request.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { startListOfOnFinished } from '../disconnect/response-disconnect-mask.js';
import { SocketProxy } from '../disconnect/socket-proxy.js';
import { PropertyOverrides } from '../intercept/property-overrides.js';

/**
 * node:http2 emits 'finish' and 'close' on the response when the stream closes, whether the response was sent or not. `pipe`,
 * `pipeline` and `on-finished` would take the events for the end of the response and stop its source. Nest and others listen to
 * the request and its socket.
 *
 * While the body of the request is still arriving, the request shows the disconnect: the rest of the body will not come.
 */
export class Http2DisconnectMask {
  readonly #requestOverrides: PropertyOverrides;
  readonly #socketProxy: SocketProxy | undefined;
  readonly #deferredEvents: (() => void)[] = [];
  #isUnmasked = false;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, responseOverrides: PropertyOverrides) {
    const { req, emit, socket } = res;
    this.#requestOverrides = new PropertyOverrides(req);
    // The socket of a stream is a proxy by Node itself, and undefined once the stream has closed.
    if (socket instanceof EventEmitter) this.#socketProxy = new SocketProxy(socket);
    for (const overrides of [responseOverrides, this.#requestOverrides]) {
      overrides.overrideAccessor('socket', this.#socketProxy?.proxy ?? socket);
      overrides.overrideAccessor('connection', this.#socketProxy?.proxy ?? socket);
    }
    responseOverrides.overrideAccessor('writableFinished', false);
    startListOfOnFinished(responseOverrides);
    responseOverrides.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event !== 'finish' && event !== 'close') return emit.call(res, event, ...args);
      this.#deferredEvents.push(() => void res.emit(event));
      return false;
    });
    this.#maskRequest(req, stream);
  }

  /** Restores the request. Must be called together with `restoreAll` of the response's overrides. */
  restore(): void {
    this.#requestOverrides.restoreAll();
  }

  /** Emits the deferred events. Must be called after `restore`. */
  unmask(): void {
    if (this.#isUnmasked) return;
    this.#isUnmasked = true;
    this.#socketProxy?.unmask();
    for (const emit of this.#deferredEvents) emit();
  }

  #maskRequest(req: IncomingMessage, stream: ServerHttp2Stream): void {
    const { emit } = req;
    const hasWholeBody = (): boolean => stream.endAfterHeaders || req.readableEnded;
    this.#requestOverrides.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if ((event !== 'aborted' && event !== 'close') || !hasWholeBody()) return emit.call(req, event, ...args);
      this.#deferredEvents.push(() => void req.emit(event));
      return false;
    });
  }
}
