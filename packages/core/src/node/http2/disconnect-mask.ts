// Hides from whatever uses a response over HTTP/2, or its request, that its client has left, until the answer is recorded.
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import { Overlay } from '../overlay.js';
import { StandIn } from '../stand-in.js';

/**
 * node:http2 emits 'finish' and 'close' on the response when the stream closes, whether the answer was sent or not. `pipe`,
 * `pipeline` and `on-finished` would take them for the end of the answer, and stop its source. Nest and others listen to the request
 * and its socket. While the body of a request is still arriving, the request shows that it never will.
 */
export class DisconnectMask {
  readonly #request: Overlay;
  readonly #standIn: StandIn | undefined;
  /** The events that were kept back, to be emitted later. */
  readonly #missed: (() => void)[] = [];
  #isRevealed = false;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, cover: Overlay) {
    const { req, emit, socket } = res;
    this.#request = new Overlay(req);
    // The socket of a stream is a proxy of Node's own, and undefined once the stream has closed.
    if (socket instanceof EventEmitter) this.#standIn = new StandIn(socket);
    for (const overlay of [cover, this.#request]) {
      overlay.value('socket', this.#standIn?.socket ?? socket);
      overlay.value('connection', this.#standIn?.socket ?? socket);
    }
    cover.value('writableFinished', false);
    // The list that on-finished keeps on a response: a layer outside has hung it on the real socket, so those inside
    // must start one of their own.
    cover.value('__onFinished', undefined);
    cover.value('emit', (event: string | symbol, ...args: unknown[]) => {
      if (event !== 'finish' && event !== 'close') return emit.call(res, event, ...args);
      this.#missed.push(() => void res.emit(event));
      return false;
    });
    this.#hideFromRequest(req, stream);
  }

  /** Puts the request back as it was. To be called with the lifting of the overlay. */
  lift(): void {
    this.#request.lift();
  }

  /** Emits what was kept back. To be called when the overlay has been lifted. */
  reveal(): void {
    if (this.#isRevealed) return;
    this.#isRevealed = true;
    this.#standIn?.reveal();
    for (const emit of this.#missed) emit();
  }

  #hideFromRequest(req: IncomingMessage, stream: ServerHttp2Stream): void {
    const { emit } = req;
    const isWhole = (): boolean => stream.endAfterHeaders || req.readableEnded;
    this.#request.value('emit', (event: string | symbol, ...args: unknown[]) => {
      if ((event !== 'aborted' && event !== 'close') || !isWhole()) return emit.call(req, event, ...args);
      this.#missed.push(() => void req.emit(event));
      return false;
    });
  }
}
