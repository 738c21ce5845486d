// The client as the handler's side sees it while an answer is captured: one that never goes away.
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { internalsOf, type PropertyOverrides } from '../intercept/property-overrides.js';
import { SocketProxy } from './socket-proxy.js';

/**
 * Hides from whatever uses `res` that its client has gone. `pipe` and `pipeline` listen to 'close' of the response and
 * read `destroyed` and `closed`; `on-finished`, with which Express and Koa stop a file or a stream, listens to
 * `res.socket`. All of them would stop the source of the answer, and nothing would ever be recorded.
 */
export class ResponseDisconnectMask {
  readonly #res: ServerResponse;
  /** What Node keeps on the response, and what stands there instead. */
  #realSocket: unknown;
  #realDestroyed: boolean;
  #realClosed: boolean;
  #socketProxy: SocketProxy | undefined;
  #isCloseDeferred = false;
  #deferredDestroy: (() => void) | undefined;
  #isUnmasked = false;

  constructor(res: ServerResponse, cover: PropertyOverrides) {
    const { emit } = res;
    const insides = internalsOf(res);
    this.#res = res;
    this.#realDestroyed = insides.destroyed;
    this.#realClosed = insides._closed;
    this.#maskSocket(insides.socket);
    this.#maskAsOpen();
    cover.override('writableFinished', false);
    // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
    // must start one of their own.
    cover.override('__onFinished', undefined);
    cover.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event === 'close') return this.#deferClose();
      // It comes with the turn of a pipelined request.
      if (event === 'socket') this.#maskSocket(args[0]);
      return emit.call(res, event, ...(event === 'socket' ? [insides.socket] : args));
    });
  }

  /** Puts the truth back where Node keeps it. To be called with the lifting of the overlay. */
  restore(): void {
    Object.assign(internalsOf(this.#res), {
      socket: this.#realSocket,
      destroyed: this.#realDestroyed,
      _closed: this.#realClosed,
    });
  }

  /** `destroy` is how Node lets the response itself know of the departure. */
  deferDestroy(destroy: () => void): void {
    this.#deferredDestroy = destroy;
  }

  /** Tells the truth: what was kept back is emitted now. To be called when the overlay has been lifted. */
  unmask(): void {
    if (this.#isUnmasked) return;
    this.#isUnmasked = true;
    this.#socketProxy?.unmask();
    if (this.#isCloseDeferred) this.#res.emit('close');
    this.#deferredDestroy?.();
  }

  #maskSocket(real: unknown): void {
    this.#realSocket = real;
    if (!(real instanceof EventEmitter)) return;
    this.#socketProxy ??= new SocketProxy(real);
    internalsOf(this.#res).socket = this.#socketProxy.proxy;
  }

  /** Node has just noted the departure. */
  #deferClose(): boolean {
    this.#realDestroyed = true;
    this.#realClosed = true;
    this.#isCloseDeferred = true;
    this.#maskAsOpen();
    return false;
  }

  #maskAsOpen(): void {
    internalsOf(this.#res).destroyed = false;
    internalsOf(this.#res)._closed = false;
  }
}
