// Collects what the handler writes over HTTP/2: holds it, or streams it and records it at the same time.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { CapturedResponse, ResponseHead, TrailerEntry } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import { WithheldTail } from '../../http/withheld-tail.js';
import type { WriteCallback } from '../intercept/write-arguments.js';
import { declaredLength, isEventStream } from '../response-head.js';
import { isBodylessOverHttp2 } from './http2-head.js';
import { isStreamClosed } from './http2-stream.js';

export interface Http2ResponseBufferOptions {
  readonly res: ServerResponse;
  readonly stream: ServerHttp2Stream;
  readonly maxOutcomeBytes: number;
  /** Sends the head by the original method. */
  sendHead(status: number): void;
  /** Sends bytes by the original method. Returns false if the source should wait for 'drain'. */
  sendBytes(bytes: Buffer, callback: WriteCallback): unknown;
  /** The response streams, is too large to be recorded, or has lost its client: it may be useless now. */
  onAbortPossible(): void;
}

export class Http2ResponseBuffer {
  readonly #options: Http2ResponseBufferOptions;
  /** Callbacks of bytes that are being sent. Node calls none of them after a disconnect. */
  readonly #pendingCallbacks = new Set<() => void>();
  #head: ResponseHead | undefined;
  #declaredLength: number | undefined;
  #body: ResponseBody | null = new ResponseBody();
  #size = 0;
  #isStreaming = false;
  #isSourcePaused = false;
  #isDrainScheduled = false;
  #tail = new WithheldTail(undefined);

  constructor(options: Http2ResponseBufferOptions) {
    this.#options = options;
  }

  get head(): ResponseHead | undefined {
    return this.#head;
  }

  get isStreaming(): boolean {
    return this.#isStreaming;
  }

  /** Larger than `maxOutcomeBytes`: it is not recorded. */
  get isTooLarge(): boolean {
    return this.#body === null;
  }

  /** The last bytes of a streaming response, which are held back with its end. */
  get tail(): Buffer {
    return this.#tail.bytes;
  }

  headWritten(head: ResponseHead): void {
    this.#head = head;
    this.#declaredLength = declaredLength(head.headers);
    this.#tail = new WithheldTail(this.#declaredLength);
  }

  headFlushed(): void {
    this.#startStreaming();
  }

  /**
   * Returns false if the source should wait for 'drain', as `res.write` does.
   * `isOwned`: the handler cannot change the bytes, so they need no copy.
   */
  write(chunk: Buffer, callback: WriteCallback, isOwned: boolean): boolean {
    const bytes = chunk.subarray(0, this.#remainingBytes());
    this.#size += bytes.length;
    const fits = this.#size <= this.#options.maxOutcomeBytes;
    if (!fits || this.#isEventStream) this.#startStreaming();
    if (fits) this.#body?.append(bytes, isOwned);
    else this.#dropBody();
    if (!this.#isStreaming) {
      process.nextTick(callback, null);
      return true;
    }
    return this.#send(bytes, callback);
  }

  /** The whole response. Null if there is not even a head. */
  finish(trailers: readonly TrailerEntry[]): CapturedResponse | null {
    if (!this.#head) return null;
    const body = this.#body;
    this.#body = null;
    return { ...this.#head, trailers, body, size: this.#size, isStreaming: this.#isStreaming };
  }

  /** What is known of a response that is aborted. Null if there is not even a head. */
  finishAborted(): CapturedResponse | null {
    this.#body = null;
    return this.finish([]);
  }

  /** From here on bytes are recorded but not sent. A source that waits for 'drain' continues. */
  clientDisconnected(): void {
    for (const callback of [...this.#pendingCallbacks]) callback();
    if (this.#isSourcePaused) this.#scheduleDrain();
    this.#options.onAbortPossible();
  }

  #dropBody(): void {
    if (this.#body) this.#options.onAbortPossible();
    this.#body = null;
  }

  /** How many more bytes belong to the response. Bytes beyond the declared length would break the stream or the connection. */
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

  /** Sends what is held. Nothing may be sent early where the head alone is a complete response. */
  #startStreaming(): void {
    if (this.#isStreaming || !this.#head || this.#isBodyless || this.#declaredLength === 0) return;
    this.#isStreaming = true;
    this.#options.onAbortPossible();
    this.#options.sendHead(this.#head.status);
    for (const held of this.#body?.blocks ?? []) this.#send(held, () => {});
  }

  #send(bytes: Buffer, callback: WriteCallback): boolean {
    const sendable = this.#tail.withhold(bytes);
    if (isStreamClosed(this.#options.stream)) return this.#dropBytes(callback);
    if (sendable.length === 0) {
      process.nextTick(callback, null);
      return true;
    }
    const callOnce = (): void => {
      if (this.#pendingCallbacks.delete(callOnce)) callback(null);
    };
    this.#pendingCallbacks.add(callOnce);
    this.#isSourcePaused = this.#options.sendBytes(sendable, callOnce) === false;
    return !this.#isSourcePaused;
  }

  /** The client is gone. The source continues in the next event-loop iteration, so that it does not block the process. */
  #dropBytes(callback: WriteCallback): boolean {
    process.nextTick(callback, null);
    // If the response is too large to be recorded, the source waits until the response is aborted.
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
