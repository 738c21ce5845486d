// Sends a response over HTTP/1 while the handler writes it, all but its end.
import type { ServerResponse } from 'node:http';
import type { ResponseHead } from '../../http/response.js';
import { WithheldTail } from '../../http/withheld-tail.js';
import { runInNextIteration } from '../../timers.js';
import type { CallOriginal } from '../intercept/original-methods.js';
import type { WriteCallback } from '../intercept/write-arguments.js';

/** After this many dropped bytes the source waits for the next event-loop iteration, so that it does not block the process. */
const maxDroppedBytesPerIteration = 65_536;

export class StreamingResponse {
  readonly #res: ServerResponse;
  readonly #callOriginal: CallOriginal;
  readonly #head: ResponseHead;
  readonly #tail: WithheldTail;
  #isSourcePaused = false;
  #isClientConnected = true;
  #droppedBytes = 0;

  constructor(res: ServerResponse, callOriginal: CallOriginal, head: ResponseHead, declaredLength: number | undefined) {
    this.#res = res;
    this.#callOriginal = callOriginal;
    this.#head = head;
    this.#tail = new WithheldTail(declaredLength);
  }

  /** The last byte of a response with a declared length; else nothing. */
  get tail(): Buffer {
    return this.#tail.bytes;
  }

  /** Sends the head. */
  start(): void {
    this.#callOriginal('writeHead', this.#head.status, this.#head.reason);
    this.#callOriginal('flushHeaders');
  }

  /** Sends bytes. Returns false if the source should wait for 'drain', as `res.write` does. */
  write(bytes: Buffer, callback: WriteCallback): boolean {
    if (!this.#isClientConnected) return this.#drop(bytes.length, callback);
    const sendable = this.#tail.withhold(bytes);
    if (sendable.length === 0 && bytes.length > 0) {
      process.nextTick(callback, null);
      return true;
    }
    // When a connection breaks, Node reports an error to the callback. The handler must not see that.
    this.#isSourcePaused = this.#callOriginal('write', sendable, () => callback(null)) === false;
    return !this.#isSourcePaused;
  }

  /** From here on bytes are dropped. A source that waits for 'drain' continues. */
  clientDisconnected(): void {
    if (!this.#isClientConnected) return;
    this.#isClientConnected = false;
    // Node does not emit 'drain' after the disconnect.
    if (this.#isSourcePaused) this.#resumeSource();
  }

  #drop(length: number, callback: WriteCallback): boolean {
    this.#droppedBytes += length;
    if (this.#droppedBytes < maxDroppedBytesPerIteration) {
      process.nextTick(callback, null);
      return true;
    }
    const isScheduled = this.#isSourcePaused;
    this.#isSourcePaused = true;
    runInNextIteration(() => {
      callback(null);
      if (!isScheduled) this.#resumeSource();
    });
    return false;
  }

  #resumeSource(): void {
    this.#droppedBytes = 0;
    this.#isSourcePaused = false;
    this.#res.emit('drain');
  }
}
