// The client as the handler's side sees it while an answer is captured: one that never goes away.
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { insidesOf, type Overlay } from './overlay.js';
import { StandIn } from './stand-in.js';

/**
 * Hides from whatever uses `res` that its client has gone. `pipe` and `pipeline` listen to 'close' of the response and
 * read `destroyed` and `closed`; `on-finished`, with which Express and Koa stop a file or a stream, listens to
 * `res.socket`. All of them would stop the source of the answer, and nothing would ever be recorded.
 */
export class HiddenDeparture {
  readonly #res: ServerResponse;
  /** What Node keeps on the response, and what stands there instead. */
  #socket: unknown;
  #destroyed: boolean;
  #closed: boolean;
  #standIn: StandIn | undefined;
  #isCloseKeptBack = false;
  #destroy: (() => void) | undefined;
  #isRevealed = false;

  constructor(res: ServerResponse, cover: Overlay) {
    const { emit } = res;
    const insides = insidesOf(res);
    this.#res = res;
    this.#destroyed = insides.destroyed;
    this.#closed = insides._closed;
    this.#hideSocket(insides.socket);
    this.#stay();
    cover.value('writableFinished', false);
    // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
    // must start one of their own.
    cover.value('__onFinished', undefined);
    cover.value('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event === 'close') return this.#keepCloseBack();
      // It comes with the turn of a pipelined request.
      if (event === 'socket') this.#hideSocket(args[0]);
      return emit.call(res, event, ...(event === 'socket' ? [insides.socket] : args));
    });
  }

  /** Puts the truth back where Node keeps it. To be called with the lifting of the overlay. */
  lift(): void {
    Object.assign(insidesOf(this.#res), { socket: this.#socket, destroyed: this.#destroyed, _closed: this.#closed });
  }

  /** `destroy` is how Node lets the response itself know of the departure. */
  keepBack(destroy: () => void): void {
    this.#destroy = destroy;
  }

  /** Tells the truth: what was kept back is emitted now. To be called when the overlay has been lifted. */
  reveal(): void {
    if (this.#isRevealed) return;
    this.#isRevealed = true;
    this.#standIn?.reveal();
    if (this.#isCloseKeptBack) this.#res.emit('close');
    this.#destroy?.();
  }

  #hideSocket(real: unknown): void {
    this.#socket = real;
    if (!(real instanceof EventEmitter)) return;
    this.#standIn ??= new StandIn(real);
    insidesOf(this.#res).socket = this.#standIn.socket;
  }

  /** Node has just noted the departure. */
  #keepCloseBack(): boolean {
    this.#destroyed = true;
    this.#closed = true;
    this.#isCloseKeptBack = true;
    this.#stay();
    return false;
  }

  #stay(): void {
    insidesOf(this.#res).destroyed = false;
    insidesOf(this.#res)._closed = false;
  }
}
