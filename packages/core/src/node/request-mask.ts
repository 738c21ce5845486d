// The request as the handler sees it while its answer is captured: its client never goes away.
import type { IncomingMessage } from 'node:http';
import type { Connection } from './connection.js';
import { Overlay } from './overlay.js';
import { StandIn } from './stand-in.js';

/**
 * Hides from whatever uses `req` or `req.socket` that the client has gone. Nest stops Observables and streams on 'close' of the
 * socket, others on 'close', 'aborted' or 'error' of the request: nothing would ever be recorded.
 *
 * While the body of a request is still arriving, the handler must see that it never will: then nothing is hidden.
 */
export class RequestMask {
  readonly #req: IncomingMessage;
  readonly #overrides: Overlay;
  readonly #standIn: StandIn | undefined;
  #deferred: (() => void) | undefined;
  #isMasked = true;

  constructor(req: IncomingMessage, connection: Connection) {
    this.#req = req;
    this.#overrides = new Overlay(req);
    const { destroy, socket } = req;
    this.#overrides.value('destroy', (error?: Error) => {
      if (!this.#isMasked || !req.complete || !isDeparture(error)) return destroy.call(req, error);
      this.#deferred = () => destroy.call(req, error);
      return req;
    });
    if (!connection.emitter) return;
    this.#standIn = new StandIn(connection.emitter);
    // Node has them under both names.
    this.#overrides.value('socket', this.#standIn.socket);
    if (Reflect.get(req, 'client') === socket) this.#overrides.value('client', this.#standIn.socket);
  }

  /** To be called when the connection has closed. */
  clientLeft(): void {
    if (!this.#req.complete) this.#standIn?.reveal();
  }

  /** Puts the request back as it was. What was hidden is shown by `reveal`. */
  lift(): void {
    this.#isMasked = false;
    this.#overrides.lift();
  }

  reveal(): void {
    this.#standIn?.reveal();
    this.#deferred?.();
    this.#deferred = undefined;
  }
}

/** What Node destroys the requests of a closed connection with. */
function isDeparture(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'ECONNRESET';
}
