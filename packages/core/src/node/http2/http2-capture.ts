// Holds a response over HTTP/2 back until the handler's side has ended it, as `capture.ts` does with one over HTTP/1.
//
// The same mechanism on other ground: own properties override the methods of the response, and the head is a snapshot. What
// differs is the stream below. It counts as answered from the head on, so that Node's own `setHeader` refuses what comes
// late (`stream-guard.ts`). A head is tried on a second response (`http2-head.ts`). The end of an answer that flows is the
// frame that ends the stream.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedAnswer } from '../answer.js';
import { type Below, methodsBelow } from '../below.js';
import type { Capture, CaptureOptions } from '../capture.js';
import { Ending } from '../ending.js';
import { type Head, headersOf, rearrange } from '../head.js';
import { Overlay } from '../overlay.js';
import { PipedSources } from '../sources.js';
import { DisconnectMask } from './disconnect-mask.js';
import { Http2Body } from './http2-body.js';
import { coverHttp2Response, type Http2HandlerSide } from './http2-handler-side.js';
import { endHttp2, sendThroughHttp2 } from './send-http2.js';
import { holdDestroy, StreamGuard } from './stream-guard.js';
import { isGone, resetStream } from './streams.js';

export class Http2Capture implements Capture {
  readonly baseline: readonly HeaderEntry[];
  readonly ended: Promise<CapturedAnswer | null>;
  readonly #ending = new Ending();
  readonly #res: ServerResponse;
  readonly #stream: ServerHttp2Stream;
  readonly #options: CaptureOptions;
  readonly #status: number;
  readonly #sendDate: boolean;
  readonly #below: Below;
  readonly #cover: Overlay;
  readonly #guard: StreamGuard;
  readonly #departure: DisconnectMask;
  readonly #body: Http2Body;
  readonly #side: Http2HandlerSide;
  readonly #sources: PipedSources;
  #signal: AbortSignal | undefined;
  #isCovered = true;
  #isHeld = false;
  #sending: Promise<void> | undefined;

  constructor(res: ServerResponse, stream: ServerHttp2Stream, options: CaptureOptions) {
    this.#res = res;
    this.#stream = stream;
    this.#options = options;
    this.ended = this.#ending.promise;
    this.baseline = headersOf(res);
    this.#status = res.statusCode;
    this.#sendDate = res.sendDate;
    this.#below = methodsBelow(res);
    this.#cover = new Overlay(res);
    this.#guard = new StreamGuard(stream);
    this.#sources = new PipedSources(res, () => this.abandon());
    this.#departure = new DisconnectMask(res, stream, this.#cover);
    this.#body = new Http2Body({
      res,
      stream,
      maxBytes: options.maxResponseBytes,
      sendHead: (status) => this.#sendHead(status),
      sendBytes: (bytes, taken) => this.#below('write', bytes, taken),
      onLessUseful: () => this.#watch(),
    });
    this.#side = coverHttp2Response({
      res,
      cover: this.#cover,
      body: this.#body,
      onHead: (head) => this.#headWritten(head),
      onEnd: (trailers, callback) => {
        if (callback) this.#callWhenLeft(callback);
        this.#ended(trailers);
      },
      onDestroy: (error) => this.#destroyed(error),
    });
    stream.once('close', this.#onClose);
  }

  abandon(): void {
    this.#ending.settle(null);
  }

  send(extra: readonly HeaderEntry[] = []): Promise<void> {
    const { answer } = this.#ending;
    if (!answer || !this.#isCovered) return this.#sending ?? Promise.resolve();
    this.#uncover();
    this.#sending = sendThroughHttp2(this.#res, this.#options.onSendError, () => this.#release(answer, extra));
    this.#departure.reveal();
    return this.#sending;
  }

  withdraw(): boolean {
    if (this.#body.isFlowing || !this.#isCovered) return false;
    this.#takeBack();
    for (const name of this.#res.getHeaderNames()) this.#res.removeHeader(name);
    for (const [name, value] of this.baseline) this.#res.setHeader(name, value);
    this.#res.statusCode = this.#status;
    // Last, because removing Date sets it.
    this.#res.sendDate = this.#sendDate;
    this.#departure.reveal();
    this.#hold();
    return true;
  }

  cut(): void {
    this.#takeBack();
    this.#departure.reveal();
    resetStream(this.#stream);
  }

  #headWritten(head: Head): void {
    rearrange(this.#res, this.#below, head.headers);
    this.#res.statusCode = head.status;
    this.#body.headWritten(head);
    this.#guard.headWritten();
  }

  #sendHead(status: number): void {
    this.#guard.open();
    this.#below('writeHead', status);
    this.#guard.headSent();
  }

  #ended(trailers: CapturedAnswer['trailers']): void {
    if (this.#ending.isSettled) return;
    this.#hold();
    this.#ending.settle(this.#body.ended(trailers));
  }

  #destroyed(error: Error | undefined): void {
    // Put off while the answer is held.
    if (this.#isCovered && this.#ending.answer) return void this.#stream.destroy(error);
    const isIncomplete = this.#body.isFlowing;
    this.#takeBack();
    this.#departure.reveal();
    if (isIncomplete) resetStream(this.#stream);
    this.#below('destroy', error);
  }

  readonly #onClose = (): void => this.#body.clientLeft();

  #watch(): void {
    if (!this.#signal && this.#options.signal) {
      this.#signal = this.#options.signal();
      this.#signal.addEventListener('abort', this.#cutIfUseless);
      void this.ended.then(() => this.#signal?.removeEventListener('abort', this.#cutIfUseless));
    }
    // Not within the call that writes.
    process.nextTick(this.#cutIfUseless);
  }

  /** What is beyond `maxResponseBytes` is of no use to the record, nor to a client that has left. */
  readonly #cutIfUseless = (): void => {
    const { isFlowing, isTooLarge } = this.#body;
    if (this.#ending.isSettled || !isFlowing) return;
    const hasLeft = isGone(this.#stream);
    const isAborted = this.#signal?.aborted ?? false;
    if (isTooLarge ? !hasLeft && !isAborted : !hasLeft || !isAborted) return;
    this.#ending.settle(this.#body.ended([], false));
    this.#sources.destroy();
    this.cut();
  };

  /** Gives the answer to what stands on the response, as its handler would have. */
  #release(answer: CapturedAnswer, extra: readonly HeaderEntry[]): void {
    if (!answer.flowing) {
      for (const [name, value] of extra) this.#res.setHeader(name, value);
      this.#res.statusCode = answer.status;
    }
    endHttp2(this.#res, answer.flowing ? this.#body.tail : (answer.body ?? Buffer.alloc(0)), answer.trailers);
  }

  #callWhenLeft(callback: () => void): void {
    if (isGone(this.#stream)) this.#res.once('finish', callback);
    else this.#stream.once('finish', callback);
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    holdDestroy(this.#stream);
  }

  /** From here on the handler's side has no part in this response. */
  #takeBack(): void {
    this.#ending.settle(null);
    this.#uncover();
  }

  #uncover(): void {
    if (!this.#isCovered) return;
    this.#isCovered = false;
    this.#side.close();
    this.#cover.lift();
    this.#departure.lift();
    this.#guard.open();
    this.#stream.off('close', this.#onClose);
  }
}
