// The body of an answer over HTTP/2 so far: held, or flowing with its end held back.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { CapturedResponse, ResponseHead, TrailerEntry } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import type { WriteCallback } from '../capture/streaming-response.js';
import { declaredLength, isEventStream } from '../response-head.js';
import { isBodylessOverHttp2 } from './http2-head.js';
import { isStreamClosed } from './http2-stream.js';

export interface Http2ResponseBufferOptions {
  readonly res: ServerResponse;
  readonly stream: ServerHttp2Stream;
  readonly maxOutcomeBytes: number;
  /** Sends the head by what stood beneath the capture. */
  sendHead(status: number): void;
  /** Sends bytes by what stood beneath the capture. False asks for a pause until 'drain'. */
  sendBytes(bytes: Buffer, taken: WriteCallback): unknown;
  /** The answer flows, is too large to be kept, or has lost its client: from here on it may have to be cut off. */
  onAbortPossible(): void;
}

export class Http2ResponseBuffer {
  readonly #options: Http2ResponseBufferOptions;
  /** Callbacks of bytes on their way. Node calls none of them once the client has left. */
  readonly #pendingCallbacks = new Set<() => void>();
  #head: ResponseHead | undefined;
  #declaredLength: number | undefined;
  #body: ResponseBody | null = new ResponseBody();
  #size = 0;
  #isStreaming = false;
  #isSourcePaused = false;
  #isDrainScheduled = false;
  /** How many bytes may still leave before the end: with a declared length all but the last. */
  #sendableBytes = Number.POSITIVE_INFINITY;
  #tail = Buffer.alloc(0);

  constructor(parts: Http2ResponseBufferOptions) {
    this.#options = parts;
  }

  get head(): ResponseHead | undefined {
    return this.#head;
  }

  get isStreaming(): boolean {
    return this.#isStreaming;
  }

  /** Larger than what is kept. */
  get isTooLarge(): boolean {
    return this.#body === null;
  }

  /** The last bytes of a flowing answer, which are held back with its end. */
  get tail(): Buffer {
    return this.#tail;
  }

  headWritten(head: ResponseHead): void {
    this.#head = head;
    this.#declaredLength = declaredLength(head.headers);
    if (this.#declaredLength !== undefined) this.#sendableBytes = this.#declaredLength - 1;
  }

  headFlushed(): void {
    this.#startStreaming();
  }

  /** Answers as `res.write` does: false asks the source to wait for 'drain'. */
  write(chunk: Buffer, taken: WriteCallback, isOwned = false): boolean {
    const bytes = chunk.subarray(0, this.#remainingBytes());
    this.#size += bytes.length;
    const fits = this.#size <= this.#options.maxOutcomeBytes;
    if (!fits || this.#isEventStream) this.#startStreaming();
    // A copy: whoever wrote the bytes may use the memory again once they count as written.
    if (fits) this.#body?.append(bytes, isOwned);
    else this.#dropBody();
    if (!this.#isStreaming) {
      process.nextTick(taken, null);
      return true;
    }
    return this.#send(bytes, taken);
  }

  /** `isWhole`: all bytes are known. The handler's side has ended the answer, or it was cut off. */
  finish(trailers: readonly TrailerEntry[], isWhole = true): CapturedResponse | null {
    if (!this.#head) return null;
    const body = isWhole ? this.#body : null;
    this.#body = null;
    return { ...this.#head, trailers, body, size: this.#size, isStreaming: this.#isStreaming };
  }

  /** Nobody but the record waits for the rest. */
  clientDisconnected(): void {
    for (const taken of [...this.#pendingCallbacks]) taken();
    if (this.#isSourcePaused) this.#scheduleDrain();
    this.#options.onAbortPossible();
  }

  #dropBody(): void {
    if (this.#body) this.#options.onAbortPossible();
    this.#body = null;
  }

  /** How many more bytes belong to the answer. More than the declared ones would break the stream, or the connection. */
  #remainingBytes(): number {
    if (this.#isBodyless) return 0;
    return this.#declaredLength === undefined ? Number.POSITIVE_INFINITY : this.#declaredLength - this.#size;
  }

  get #isBodyless(): boolean {
    return this.#head !== undefined && isBodylessOverHttp2(this.#options.res.req.method, this.#head.status);
  }

  get #isEventStream(): boolean {
    return this.#head !== undefined && isEventStream(this.#head.headers);
  }

  /** Sends what is held. Nothing may leave early where the head alone is a complete answer. */
  #startStreaming(): void {
    if (this.#isStreaming || !this.#head || this.#isBodyless || this.#declaredLength === 0) return;
    this.#isStreaming = true;
    this.#options.onAbortPossible();
    this.#options.sendHead(this.#head.status);
    for (const held of this.#body?.blocks ?? []) this.#send(held, () => {});
  }

  #send(bytes: Buffer, taken: WriteCallback): boolean {
    const passing = bytes.subarray(0, this.#sendableBytes);
    this.#sendableBytes -= passing.length;
    if (passing.length < bytes.length) this.#tail = Buffer.concat([this.#tail, bytes.subarray(passing.length)]);
    if (isStreamClosed(this.#options.stream)) return this.#dropBytes(taken);
    if (passing.length === 0) {
      process.nextTick(taken, null);
      return true;
    }
    const once = (): void => {
      if (this.#pendingCallbacks.delete(once)) taken(null);
    };
    this.#pendingCallbacks.add(once);
    this.#isSourcePaused = this.#options.sendBytes(passing, once) === false;
    return !this.#isSourcePaused;
  }

  /** Bytes for a client that has left. The source goes on at the next turn: it must not keep the process to itself. */
  #dropBytes(taken: WriteCallback): boolean {
    process.nextTick(taken, null);
    // Beyond what is kept the source waits until the answer is cut off.
    if (this.#body) this.#scheduleDrain();
    return false;
  }

  #scheduleDrain(): void {
    if (this.#isDrainScheduled) return;
    this.#isDrainScheduled = true;
    setImmediate(() => {
      this.#isDrainScheduled = false;
      this.#isSourcePaused = false;
      this.#options.res.emit('drain');
    });
  }
}
