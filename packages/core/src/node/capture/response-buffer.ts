// What the handler's side has answered so far, held or flowing.
import type { ServerResponse } from 'node:http';
import type { CapturedResponse, ResponseHead, TrailerEntry } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import type { CallOriginal } from '../intercept/original-methods.js';
import { internalsOf } from '../intercept/property-overrides.js';
import { declaredLength, isBodyless, isEventStream } from '../response-head.js';
import { createStreamingResponse, type StreamingResponse, type WriteCallback } from './streaming-response.js';

/** As in `CaptureOptions`. */
interface BufferOptions {
  readonly maxOutcomeBytes: number;
  readonly keepHeadOnly?: boolean;
}

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
  #streaming: StreamingResponse | undefined;
  #isClientConnected = true;

  /** Calls `onFlow` when the answer begins to flow, and when it turns out to be too large to be kept. */
  constructor(res: ServerResponse, below: CallOriginal, limits: BufferOptions, onFlow: () => void) {
    this.#res = res;
    this.#callOriginal = below;
    this.#maxBytes = limits.maxOutcomeBytes;
    this.#keepHeadOnly = limits.keepHeadOnly ?? false;
    this.#onAbortPossible = onFlow;
  }

  /** The head is written, and nothing has left. */
  get isHeld(): boolean {
    return this.#head !== undefined && !this.#streaming;
  }

  get isStreaming(): boolean {
    return this.#streaming !== undefined;
  }

  /** Larger than `maxOutcomeBytes`: it is not kept. */
  get isTooLarge(): boolean {
    return this.#body === null;
  }

  /** The last bytes of a flowing answer, which are held back with its end. */
  get tail(): Buffer {
    return this.#streaming?.tail ?? noBytes;
  }

  /** From here on bytes are kept and no longer sent. */
  clientDisconnected(): void {
    this.#isClientConnected = false;
    this.#streaming?.clientDisconnected();
  }

  /** From here on Node's own methods refuse headers that come too late: they look for the head's text. */
  headWritten(head: ResponseHead, isChunked: boolean, text: unknown): void {
    this.#head = head;
    internalsOf(this.#res)._header = text;
    this.#declaredLength = isChunked ? undefined : declaredLength(head.headers);
  }

  headFlushed(): void {
    if (!this.#streaming) this.#startStreaming();
  }

  /** Takes the body of an answer that is given whole. False, and nothing done, if it is too large to be held. */
  tryBufferWhole(response: CapturedResponse, text: string): boolean {
    if (response.size > this.#maxBytes) return false;
    this.#head = response;
    internalsOf(this.#res)._header = text;
    this.#body = response.body;
    this.#size = response.size;
    return true;
  }

  /** Takes a chunk that Node accepted. Answers as `res.write` does: false asks the source to wait for 'drain'. */
  write(chunk: Buffer, taken: WriteCallback, isOwned = false): boolean {
    const bytes = chunk.subarray(0, this.#remainingBytes());
    this.#size += bytes.length;
    if (this.#keepHeadOnly) {
      process.nextTick(taken, null);
      return true;
    }
    const fits = this.#size <= this.#maxBytes;
    if (!this.#streaming && (!fits || this.#isEventStream)) this.#startStreaming();
    // A copy: whoever wrote the bytes may use the memory again once they count as written.
    if (fits) this.#body?.append(bytes, isOwned);
    else this.#dropBody();

    if (this.#streaming) return this.#streaming.write(bytes, taken);
    process.nextTick(taken, null);
    return true;
  }

  finish(trailers: readonly TrailerEntry[]): CapturedResponse | null {
    if (!this.#head) return null;
    if (this.isHeld) internalsOf(this.#res).finished = true;
    const body = this.#body;
    this.#body = null;
    const { status, reason, headers } = this.#head;
    return { status, reason, headers, trailers, body, size: this.#size, isStreaming: this.#streaming !== undefined };
  }

  /** The answer as it is when it is cut off. Null where not even its head is known. */
  finishAborted(): CapturedResponse | null {
    this.#body = null;
    return this.finish([]);
  }

  /** Whoever writes to the client, Node's own methods included, needs to be told that nothing has left. */
  markNothingSent(): void {
    if (this.#streaming) return;
    internalsOf(this.#res)._header = null;
    internalsOf(this.#res).finished = false;
  }

  /**
   * How many more bytes belong to the answer. Node drops the body of a bodyless one, and so do we. Bytes beyond
   * Content-Length, which plain Node sends as rubbish between two answers, are dropped too.
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

  /** Lets go what is held. Nothing may leave early where the head alone is a complete answer. */
  #startStreaming(): void {
    if (!this.#head || this.#isBodyless || this.#declaredLength === 0 || this.#keepHeadOnly) return;
    this.markNothingSent();
    this.#streaming = createStreamingResponse(this.#res, this.#callOriginal, this.#head, this.#declaredLength);
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
