// Collects what the handler writes over HTTP/1: holds it, or streams it and records it at the same time.
import type { ServerResponse } from 'node:http';
import type { CapturedResponse, ResponseHead, TrailerEntry } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import type { CallOriginal } from '../intercept/original-methods.js';
import { internalsOf } from '../intercept/response-internals.js';
import type { WriteCallback } from '../intercept/write-arguments.js';
import { declaredLength, isBodyless, isEventStream } from '../response-head.js';
import type { CaptureOptions } from './capture.js';
import { StreamingResponse } from './streaming-response.js';

const noBytes = Buffer.alloc(0);

export class ResponseBuffer {
  readonly #res: ServerResponse;
  readonly #callOriginal: CallOriginal;
  readonly #maxBytes: number;
  readonly #keepHeadOnly: boolean;
  readonly #onAbortPossible: () => void;
  #head: ResponseHead | undefined;
  #declaredLength: number | undefined;
  #body: ResponseBody | null = new ResponseBody();
  #size = 0;
  /** How many held bytes the response shows as waiting. */
  #shownBytes = 0;
  #streaming: StreamingResponse | undefined;
  #isClientConnected = true;

  /** Calls `onAbortPossible` when the response begins to stream, and when it becomes too large to be recorded. */
  constructor(
    res: ServerResponse,
    callOriginal: CallOriginal,
    options: Pick<CaptureOptions, 'maxOutcomeBytes' | 'keepHeadOnly'>,
    onAbortPossible: () => void,
  ) {
    this.#res = res;
    this.#callOriginal = callOriginal;
    this.#maxBytes = options.maxOutcomeBytes;
    this.#keepHeadOnly = options.keepHeadOnly ?? false;
    this.#onAbortPossible = onAbortPossible;
  }

  get isStreaming(): boolean {
    return this.#streaming !== undefined;
  }

  /** Larger than `maxOutcomeBytes`: it is not recorded. */
  get isTooLarge(): boolean {
    return this.#body === null;
  }

  /** The last bytes of a streaming response, which are held back with its end. */
  get tail(): Buffer {
    return this.#streaming?.tail ?? noBytes;
  }

  /** From here on bytes are recorded but not sent. */
  clientDisconnected(): void {
    this.#isClientConnected = false;
    this.#streaming?.clientDisconnected();
  }

  /** From here on Node's own methods refuse late headers: they check whether the head has a text. */
  headWritten(head: ResponseHead, isChunked: boolean, headText: unknown): void {
    this.#head = head;
    internalsOf(this.#res)._header = headText;
    this.#declaredLength = isChunked ? undefined : declaredLength(head.headers);
  }

  headFlushed(): void {
    if (!this.#streaming) this.#startStreaming();
  }

  /** Takes over a whole response. Returns false, and does nothing, if it is too large to be held. */
  tryBufferWhole(response: CapturedResponse, headText: string): boolean {
    if (response.size > this.#maxBytes) return false;
    this.#head = response;
    internalsOf(this.#res)._header = headText;
    this.#body = response.body;
    this.#size = response.size;
    return true;
  }

  /**
   * Takes a chunk that Node accepted. Returns false if the source should wait for 'drain', as `res.write` does.
   * `isOwned`: the handler cannot change the bytes, so they need no copy.
   */
  write(chunk: Buffer, callback: WriteCallback, isOwned: boolean): boolean {
    const bytes = chunk.subarray(0, this.#remainingBytes());
    this.#size += bytes.length;
    if (this.#keepHeadOnly) {
      process.nextTick(callback, null);
      return true;
    }
    const fits = this.#size <= this.#maxBytes;
    if (!this.#streaming && (!fits || this.#isEventStream)) this.#startStreaming();
    if (fits) this.#body?.append(bytes, isOwned);
    else this.#dropBody();

    if (this.#streaming) return this.#streaming.write(bytes, callback);
    process.nextTick(callback, null);
    return true;
  }

  /** The whole response. Null if there is not even a head. */
  finish(trailers: readonly TrailerEntry[]): CapturedResponse | null {
    if (!this.#head) return null;
    if (!this.#streaming) this.#showAsEnded();
    const body = this.#body;
    this.#body = null;
    const { status, reason, headers } = this.#head;
    return { status, reason, headers, trailers, body, size: this.#size, isStreaming: this.#streaming !== undefined };
  }

  /** What is known of a response that is aborted. Null if there is not even a head. */
  finishAborted(): CapturedResponse | null {
    this.#body = null;
    return this.finish([]);
  }

  /** Node's own methods, and everything else that writes to the client, must find that nothing was sent yet. */
  markNothingSent(): void {
    if (this.#streaming) return;
    const internals = internalsOf(this.#res);
    internals._header = null;
    internals.finished = false;
    // Node has reset the count if it sent something in the meantime, such as early hints.
    internals.outputSize = Math.max(0, internals.outputSize - this.#shownBytes);
    this.#shownBytes = 0;
  }

  /** Ended, and not finished: what is held waits to be sent. */
  #showAsEnded(): void {
    const internals = internalsOf(this.#res);
    internals.finished = true;
    // A response without a body is held, too.
    this.#shownBytes = Math.max(1, this.#size);
    internals.outputSize += this.#shownBytes;
  }

  /**
   * How many more bytes belong to the response. Node drops the body of a bodyless response, and so does this. It also drops
   * bytes beyond Content-Length, which plain Node sends as garbage between two responses.
   */
  #remainingBytes(): number {
    if (this.#isBodyless) return 0;
    return this.#declaredLength === undefined ? Number.POSITIVE_INFINITY : this.#declaredLength - this.#size;
  }

  get #isBodyless(): boolean {
    return this.#head !== undefined && isBodyless(this.#res.req, this.#head.status);
  }

  get #isEventStream(): boolean {
    return this.#head !== undefined && isEventStream(this.#head.headers);
  }

  /** Sends what is held. Nothing may be sent early where the head alone is a complete response. */
  #startStreaming(): void {
    if (!this.#head || this.#isBodyless || this.#declaredLength === 0 || this.#keepHeadOnly) return;
    this.markNothingSent();
    this.#streaming = new StreamingResponse(this.#res, this.#callOriginal, this.#head, this.#declaredLength);
    if (!this.#isClientConnected) this.#streaming.clientDisconnected();
    this.#streaming.start();
    for (const held of this.#body?.blocks ?? []) this.#streaming.write(held, () => {});
    this.#onAbortPossible();
  }

  #dropBody(): void {
    if (this.#body === null) return;
    this.#body = null;
    this.#onAbortPossible();
  }
}
