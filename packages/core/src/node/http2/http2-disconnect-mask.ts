// Hides from whatever uses a response over HTTP/2, or its request, that its client has left, until the answer is recorded.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { SocketProxy } from '../disconnect/socket-proxy.js';
import { PropertyOverrides } from '../intercept/property-overrides.js';

/**
 * node:http2 emits 'finish' and 'close' on the response when the stream closes, whether the answer was sent or not. `pipe`,
 * `pipeline` and `on-finished` would take them for the end of the answer, and stop its source. Nest and others listen to the request
 * and its socket. While the body of a request is still arriving, the request shows that it never will.
 */
export class Http2DisconnectMask {
  readonly #requestOverrides: PropertyOverrides;
  readonly #socketProxy: SocketProxy | undefined;
  /** The events that were kept back, to be emitted later. */
  readonly #deferredEvents: (() => void)[] = [];
  #isUnmasked = false;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, cover: PropertyOverrides) {
    const { req, emit, socket } = res;
    this.#requestOverrides = new PropertyOverrides(req);
    // The socket of a stream is a proxy of Node's own, and undefined once the stream has closed.
    if (socket instanceof EventEmitter) this.#socketProxy = new SocketProxy(socket);
    for (const overlay of [cover, this.#requestOverrides]) {
      overlay.override('socket', this.#socketProxy?.proxy ?? socket);
      overlay.override('connection', this.#socketProxy?.proxy ?? socket);
    }
    cover.override('writableFinished', false);
    // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
    // must start one of their own.
    cover.override('__onFinished', undefined);
    cover.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event !== 'finish' && event !== 'close') return emit.call(res, event, ...args);
      this.#deferredEvents.push(() => void res.emit(event));
      return false;
    });
    this.#maskRequest(req, stream);
  }

  /** Puts the request back as it was. To be called with the lifting of the overlay. */
  restore(): void {
    this.#requestOverrides.restoreAll();
  }

  /** Emits what was kept back. To be called when the overlay has been lifted. */
  unmask(): void {
    if (this.#isUnmasked) return;
    this.#isUnmasked = true;
    this.#socketProxy?.unmask();
    for (const emit of this.#deferredEvents) emit();
  }

  #maskRequest(req: IncomingMessage, stream: ServerHttp2Stream): void {
    const { emit } = req;
    const isWhole = (): boolean => stream.endAfterHeaders || req.readableEnded;
    this.#requestOverrides.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if ((event !== 'aborted' && event !== 'close') || !isWhole()) return emit.call(req, event, ...args);
      this.#deferredEvents.push(() => void req.emit(event));
      return false;
    });
  }
}
