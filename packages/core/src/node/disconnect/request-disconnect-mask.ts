// Hides a disconnect of the client on the request, as the handler sees it while the response is captured.
import type { IncomingMessage } from 'node:http';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import { type ClientConnection, isConnectionReset } from './client-connection.js';
import { SocketProxy } from './socket-proxy.js';

/**
 * Hides the disconnect from everything that uses `req` or `req.socket`. Nest stops Observables and streams on 'close' of the
 * socket; other code stops on 'close', 'aborted' or 'error' of the request. Then the outcome would never be recorded.
 *
 * While the body of the request is still arriving, nothing is hidden: the handler must see that the rest will not come.
 */
export class RequestDisconnectMask {
  readonly #req: IncomingMessage;
  readonly #overrides: PropertyOverrides;
  readonly #socketProxy: SocketProxy | undefined;
  #deferredDestroy: (() => void) | undefined;
  #isMasked = true;

  constructor(req: IncomingMessage, connection: ClientConnection) {
    this.#req = req;
    this.#overrides = new PropertyOverrides(req);
    const { destroy, socket } = req;
    this.#overrides.override('destroy', (error?: Error) => {
      // Node destroys the requests of a closed connection with this error.
      if (!this.#isMasked || !req.complete || !isConnectionReset(error)) return destroy.call(req, error);
      this.#deferredDestroy = () => destroy.call(req, error);
      return req;
    });
    if (!connection.emitter) return;
    this.#socketProxy = new SocketProxy(connection.emitter);
    // Node has the socket under both names.
    this.#overrides.override('socket', this.#socketProxy.proxy);
    if (Reflect.get(req, 'client') === socket) this.#overrides.override('client', this.#socketProxy.proxy);
  }

  /** Must be called when the connection has closed. */
  clientDisconnected(): void {
    if (!this.#req.complete) this.#socketProxy?.unmask();
  }

  /** Restores the request. The hidden events stay hidden until `unmask`. */
  restore(): void {
    this.#isMasked = false;
    this.#overrides.restoreAll();
  }

  unmask(): void {
    this.#socketProxy?.unmask();
    this.#deferredDestroy?.();
    this.#deferredDestroy = undefined;
  }
}
