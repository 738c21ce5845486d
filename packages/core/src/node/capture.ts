// Holds a ServerResponse back until the handler's side has ended it, so that its answer can be recorded, and then sends it.
//
// The mechanism, in the order in which an answer meets it:
//
// 1. A cover is laid over the response: own properties for the methods that write and for what tells how far the
//    answer is (`handler-side.ts`, `overlay.ts`). The handler, and layers that patch the response later, work with
//    those. What stood there before, Node's methods or the wrappers of layers outside, is beneath.
// 2. An answer that is given whole to `end`, on a response that nothing was written to, is taken as it stands: Node checked its
//    headers when they were set, and there is nothing else that it refuses (`ordinary.ts`). Every other call is played first
//    on a second response that has no client, made when it is needed (`rehearsal.ts`). So Node itself decides what it
//    refuses, in the handler's own call, and what a second `end` or a late `setHeader` does. Nothing that Node would not
//    send is ever recorded.
// 3. When the head is written, it is copied and frozen (`head.ts`). Bytes are kept (`answer.ts`). The client gets
//    nothing, except informational answers (1xx), which pass.
// 4. An answer that is too large to be kept, an event stream, and one whose head was flushed must not wait: it flows
//    (`flow.ts`), and only its end is held back, so that no client can take what it has for the whole.
// 5. Whoever writes the answer does not learn that the client has left, from the response (`client.ts`), from the request
//    (`request-mask.ts`) or from their socket (`stand-in.ts`), and cannot destroy the connection between the end of the answer and its leaving (`connection.ts`).
//    What is beyond `maxResponseBytes` is of no use then, neither to the client nor to the record: such an answer is
//    cut off, and its source is destroyed (`sources.ts`).
// 6. With the end, `ended` resolves. The owner of the capture records the answer and calls `send()`: the cover is
//    lifted, and the answer is given to what stood beneath in one ordinary call of `end` (`send.ts`). Or it calls
//    `withdraw()` and answers otherwise; or, if bytes have left already, `cut()`.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../http/headers.js';
import { AnswerSoFar, type CapturedAnswer } from './answer.js';
import { type Below, methodsBelow } from './below.js';
import { HiddenDeparture } from './client.js';
import { type Connection, connectionOf, cutOff } from './connection.js';
import { Ending } from './ending.js';
import { coverResponse } from './handler-side.js';
import { headersOf } from './head.js';
import { Http2Capture } from './http2/http2-capture.js';
import { responseStream } from './http2/streams.js';
import { Overlay } from './overlay.js';
import { Rehearsal } from './rehearsal.js';
import { RequestMask } from './request-mask.js';
import { reset, type Settings, settingsOf, uncork } from './reset.js';
import { endWith, sendThrough, setStatus, untilLeft } from './send.js';
import { PipedSources } from './sources.js';

export interface CaptureOptions {
  /** Bytes of body that are held and kept. What is larger flows. */
  readonly maxResponseBytes: number;
  /** Aborts when the attempt that answers has lost its lease. Asked for only where the answer flows or its client has left. */
  readonly signal?: () => AbortSignal;
  /** Another answer will take the place of this one: nothing of it flows or is kept but its head. */
  readonly isSubstituted?: boolean;
  /** A send failed although Node had accepted the answer; the connection has been ended. */
  readonly onSendError?: (error: Error) => void;
}

export interface Capture {
  /** What stood on the response when the capture began: the headers of layers outside. */
  readonly baseline: readonly HeaderEntry[];
  /**
   * Resolves once: with the answer when the handler's side has ended it, or with null when no answer can come any more.
   * A client that leaves ends nothing: the answer may still come. Never rejects.
   *
   * An answer that is larger than `maxResponseBytes` is cut off where its client has left or `signal` aborts: `ended`
   * resolves with what is known of it, the streams piped into it are destroyed, and the connection is closed.
   */
  readonly ended: Promise<CapturedAnswer | null>;
  /** The handler is through and will not answer: `ended` resolves with null, even if chunks were written. */
  abandon(): void;
  /**
   * Lets the captured answer out through what stood beneath: whole if it was held, just the end if it flowed. `extra`
   * headers are added if the head has not left. Resolves when it was handed to the socket, or the client is gone. Never
   * rejects. Does nothing if there is no answer.
   */
  send(extra?: readonly HeaderEntry[]): Promise<void>;
  /**
   * Gives the untouched response back for another answer: what was held is dropped, status and headers are as they
   * were, and whatever the handler's side still writes is refused. False if bytes have left already: then only `cut()`
   * is left.
   */
  withdraw(): boolean;
  /** Ends the connection so that the client can tell that the answer is incomplete. */
  cut(): void;
}

/**
 * Begins to capture what is answered on `res`, of which nothing may have been written yet. Layers outside have done
 * their patching by now; layers inside may patch what they find.
 *
 * @throws Error if the head has been written already.
 */
export function captureResponse(req: IncomingMessage, res: ServerResponse, options: CaptureOptions): Capture {
  if (res.headersSent) throw new Error('captureResponse: the response has been written already, it cannot be captured');
  const stream = responseStream(res);
  return stream ? new Http2Capture(res, stream, options) : new ResponseCapture(req, res, options);
}

class ResponseCapture implements Capture {
  readonly baseline: readonly HeaderEntry[];
  readonly ended: Promise<CapturedAnswer | null>;
  readonly #ending = new Ending();
  readonly #res: ServerResponse;
  readonly #options: CaptureOptions;
  readonly #connection: Connection;
  readonly #settings: Settings;
  readonly #below: Below;
  readonly #rehearsal: Rehearsal;
  readonly #answer: AnswerSoFar;
  readonly #cover: Overlay;
  readonly #departure: HiddenDeparture;
  readonly #request: RequestMask;
  readonly #sources: PipedSources;
  #signal: AbortSignal | undefined;
  #isCovered = true;
  #isHeld = false;
  #sending: Promise<void> | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, options: CaptureOptions) {
    this.#cover = new Overlay(res);
    this.#res = res;
    this.#options = options;
    this.ended = this.#ending.promise;
    this.baseline = headersOf(res);
    this.#settings = settingsOf(res);
    this.#below = methodsBelow(res);
    this.#rehearsal = new Rehearsal(req, res);
    this.#answer = new AnswerSoFar(res, this.#below, options, () => this.#watch());
    this.#sources = new PipedSources(res, () => this.abandon());
    this.#departure = new HiddenDeparture(res, this.#cover);
    this.#connection = connectionOf(req);
    this.#request = new RequestMask(req, this.#connection);
    this.#connection.onClose(this.#onClose);
    if (this.#connection.isClosed) this.#answer.clientLeft();
    coverResponse({
      res,
      below: this.#below,
      cover: this.#cover,
      rehearsal: this.#rehearsal,
      answer: this.#answer,
      onEnd: (trailers) => this.#ended(trailers),
      onDestroy: (error) => this.#destroyed(error),
    });
  }

  abandon(): void {
    this.#ending.settle(null);
  }

  send(extra: readonly HeaderEntry[] = []): Promise<void> {
    const { answer } = this.#ending;
    if (!answer || !this.#isCovered) return this.#sending ?? Promise.resolve();
    this.#uncover();
    const left = sendThrough(this.#res, this.#options.onSendError, () => this.#release(answer, extra));
    this.#reveal();
    this.#sending = this.#holdUntil(left);
    return this.#sending;
  }

  withdraw(): boolean {
    if (this.#answer.isFlowing || !this.#isCovered) return false;
    this.#takeBack();
    reset(this.#res, this.#settings, this.baseline);
    this.#reveal();
    // A destroy that was put off comes after the other answer.
    void this.#holdUntil(untilLeft(this.#res));
    return true;
  }

  cut(): void {
    this.#takeBack();
    this.#reveal();
    cutOff(this.#res);
  }

  #ended(trailers: CapturedAnswer['trailers']): void {
    if (this.#ending.isSettled) return;
    this.#isHeld = true;
    this.#connection.hold();
    this.#ending.settle(this.#answer.ended(trailers));
  }

  #destroyed(error: Error | undefined): void {
    if (this.#isCovered && this.#connection.isDropping(error)) {
      this.#departure.keepBack(() => this.#below('destroy', error));
    } else if (this.#isCovered && this.#ending.answer) this.#connection.destroy(error);
    else {
      this.#takeBack();
      this.#reveal();
      this.#below('destroy', error);
    }
  }

  readonly #onClose = (): void => {
    this.#answer.clientLeft();
    this.#request.clientLeft();
    this.#watch();
  };

  /** The answer flows, is too large to be kept, or has lost its client: from here on it may have to be cut off. */
  #watch(): void {
    if (!this.#signal) {
      this.#signal = this.#options.signal?.();
      this.#signal?.addEventListener('abort', this.#cutIfUseless);
      void this.ended.then(() => this.#signal?.removeEventListener('abort', this.#cutIfUseless));
    }
    // Not within the call that writes.
    process.nextTick(this.#cutIfUseless);
  }

  readonly #cutIfUseless = (): void => {
    const { isFlowing, isTooLarge } = this.#answer;
    if (this.#ending.isSettled || !isFlowing) return;
    const hasLeft = this.#connection.isClosed;
    const isAborted = this.#signal?.aborted ?? false;
    if (isTooLarge ? !hasLeft && !isAborted : !hasLeft || !isAborted) return;
    this.#ending.settle(this.#answer.cutOff());
    this.#sources.destroy();
    this.cut();
  };

  /** Gives the answer to what stands on the response, as its handler would have. */
  #release(answer: CapturedAnswer, extra: readonly HeaderEntry[]): void {
    if (!answer.flowing) {
      for (const [name, value] of extra) this.#res.setHeader(name, value);
      setStatus(this.#res, answer);
    }
    endWith(this.#res, answer.flowing ? this.#answer.tail : (answer.body ?? Buffer.alloc(0)), answer.trailers);
  }

  /** From here on the handler's side has no part in this response. */
  #takeBack(): void {
    this.#ending.settle(null);
    this.#uncover();
    this.#rehearsal.retire();
  }

  #reveal(): void {
    this.#departure.reveal();
    this.#request.reveal();
  }

  #uncover(): void {
    if (!this.#isCovered) return;
    this.#isCovered = false;
    this.#cover.lift();
    this.#departure.lift();
    this.#request.lift();
    this.#answer.nothingHasLeft();
    this.#connection.offClose(this.#onClose);
    uncork(this.#res);
  }

  async #holdUntil(left: Promise<void>): Promise<void> {
    if (this.#isHeld) this.#connection.leaving();
    await left;
    if (this.#isHeld) this.#connection.left();
  }
}
