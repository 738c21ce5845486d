// Hides a disconnect of the client on the response, as the handler sees it while the response is captured.
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { PropertyOverrides } from '../intercept/property-overrides.js';
import { internalsOf } from '../intercept/response-internals.js';
import { SocketProxy } from './socket-proxy.js';

/**
 * `on-finished` keeps its listeners in a list on the response. Outer middleware has attached that list to the real socket, so inner middleware
 * must start a new one.
 */
export function startListOfOnFinished(overrides: PropertyOverrides): void {
  overrides.override('__onFinished', undefined);
}

/**
 * Hides the disconnect from everything that uses `res`. `pipe` and `pipeline` listen to 'close' of the response and read
 * `destroyed` and `closed`. Express and Koa stop a file or a stream with `on-finished`, which listens to `res.socket`. Each of
 * them would stop the source of the response, and the outcome would never be recorded.
 */
export class ResponseDisconnectMask {
  readonly #res: ServerResponse;
  #realSocket: unknown;
  #realDestroyed: boolean;
  #realClosed: boolean;
  #socketProxy: SocketProxy | undefined;
  #isCloseDeferred = false;
  #deferredDestroy: (() => void) | undefined;
  #isUnmasked = false;

  constructor(res: ServerResponse, overrides: PropertyOverrides) {
    const { emit } = res;
    const internals = internalsOf(res);
    this.#res = res;
    this.#realDestroyed = internals.destroyed;
    this.#realClosed = internals._closed;
    this.#maskSocket(internals.socket);
    this.#maskAsOpen();
    startListOfOnFinished(overrides);
    overrides.override('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event === 'close') return this.#deferClose();
      if (event !== 'socket') return emit.call(res, event, ...args);
      // A pipelined response gets its socket when the responses before it are sent.
      this.#maskSocket(args[0]);
      return emit.call(res, event, internals.socket);
    });
  }

  /** Restores the real state of the response. Must be called together with `restoreAll` of its overrides. */
  restore(): void {
    const internals = internalsOf(this.#res);
    internals.socket = this.#realSocket;
    internals.destroyed = this.#realDestroyed;
    internals._closed = this.#realClosed;
  }

  /** `destroy` is Node's own call, with which it reports the disconnect to the response. */
  deferDestroy(destroy: () => void): void {
    this.#deferredDestroy = destroy;
  }

  /** Emits the deferred events. Must be called after `restore`. */
  unmask(): void {
    if (this.#isUnmasked) return;
    this.#isUnmasked = true;
    this.#socketProxy?.unmask();
    if (this.#isCloseDeferred) this.#res.emit('close');
    this.#deferredDestroy?.();
  }

  #maskSocket(socket: unknown): void {
    this.#realSocket = socket;
    if (!(socket instanceof EventEmitter)) return;
    this.#socketProxy ??= new SocketProxy(socket);
    internalsOf(this.#res).socket = this.#socketProxy.proxy;
  }

  /** Node has marked the response as destroyed and closed just before it emitted 'close'. */
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
