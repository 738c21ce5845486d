// The request as the handler sees it while its answer is captured: its client never goes away.
import type { IncomingMessage } from 'node:http';
import { PropertyOverrides } from '../intercept/property-overrides.js';
import type { ClientConnection } from './client-connection.js';
import { SocketProxy } from './socket-proxy.js';

/**
 * Hides from whatever uses `req` or `req.socket` that the client has gone. Nest stops Observables and streams on 'close' of the
 * socket, others on 'close', 'aborted' or 'error' of the request: nothing would ever be recorded.
 *
 * While the body of a request is still arriving, the handler must see that it never will: then nothing is hidden.
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
      if (!this.#isMasked || !req.complete || !isConnectionReset(error)) return destroy.call(req, error);
      this.#deferredDestroy = () => destroy.call(req, error);
      return req;
    });
    if (!connection.emitter) return;
    this.#socketProxy = new SocketProxy(connection.emitter);
    // Node has them under both names.
    this.#overrides.override('socket', this.#socketProxy.proxy);
    if (Reflect.get(req, 'client') === socket) this.#overrides.override('client', this.#socketProxy.proxy);
  }

  /** To be called when the connection has closed. */
  clientDisconnected(): void {
    if (!this.#req.complete) this.#socketProxy?.unmask();
  }

  /** Puts the request back as it was. What was hidden is shown by `reveal`. */
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

/** What Node destroys the requests of a closed connection with. */
function isConnectionReset(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ECONNRESET';
}
