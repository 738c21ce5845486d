// An answer that leaves while it is being written, all but its end.

import type { ServerResponse } from 'node:http';
import type { ResponseHead } from '../../http/response.js';
import { runInNextIteration } from '../../timers.js';
import type { CallOriginal } from '../intercept/original-methods.js';

/** Called when a chunk has been taken, as by `res.write`. */
export type WriteCallback = (error?: Error | null) => void;

export interface StreamingResponse {
  /** Sends the head. */
  start(): void;
  /** Lets bytes through. False asks the source to wait for 'drain', as `res.write` does. */
  write(bytes: Buffer, taken: WriteCallback): boolean;
  /** From here on bytes are dropped. A source that waits goes on. */
  clientDisconnected(): void;
  /** What is held back: the last byte of an answer with a declared length, nothing otherwise. */
  readonly tail: Buffer;
}

/** How much is dropped before the source waits for the next turn of the event loop: no source keeps the process to itself. */
const maxDroppedBytesPerTick = 65_536;

/**
 * Lets an answer through. The client must not be able to take what it has for the whole:
 * with chunked coding the terminator is missing, and with a declared length the last byte.
 */
export function createStreamingResponse(
  res: ServerResponse,
  callOriginal: CallOriginal,
  head: ResponseHead,
  declaredBytes: number | undefined,
): StreamingResponse {
  return new NodeStreamingResponse(res, callOriginal, head, declaredBytes);
}

class NodeStreamingResponse implements StreamingResponse {
  tail = Buffer.alloc(0);
  readonly #res: ServerResponse;
  readonly #callOriginal: CallOriginal;
  readonly #head: ResponseHead;
  #sendableBytes: number;
  #isSourcePaused = false;
  #isClientConnected = true;
  #droppedBytes = 0;

  constructor(res: ServerResponse, below: CallOriginal, head: ResponseHead, declared: number | undefined) {
    this.#res = res;
    this.#callOriginal = below;
    this.#head = head;
    this.#sendableBytes = declared === undefined ? Number.POSITIVE_INFINITY : declared - 1;
  }

  start(): void {
    this.#callOriginal('writeHead', this.#head.status, this.#head.reason);
    this.#callOriginal('flushHeaders');
  }

  write(bytes: Buffer, taken: WriteCallback): boolean {
    if (!this.#isClientConnected) return this.#drop(bytes.length, taken);
    const passing = bytes.subarray(0, this.#sendableBytes);
    this.#sendableBytes -= passing.length;
    if (passing.length < bytes.length) this.tail = Buffer.concat([this.tail, bytes.subarray(passing.length)]);
    if (passing.length === 0 && bytes.length > 0) {
      process.nextTick(taken, null);
      return true;
    }
    // A connection that breaks fails the writes on it. The handler must not see that.
    this.#isSourcePaused = this.#callOriginal('write', passing, () => taken(null)) === false;
    return !this.#isSourcePaused;
  }

  clientDisconnected(): void {
    if (!this.#isClientConnected) return;
    this.#isClientConnected = false;
    // Nobody else would emit it now.
    if (this.#isSourcePaused) this.#resumeSource();
  }

  #drop(length: number, taken: WriteCallback): boolean {
    this.#droppedBytes += length;
    if (this.#droppedBytes < maxDroppedBytesPerTick) {
      process.nextTick(taken, null);
      return true;
    }
    const isScheduled = this.#isSourcePaused;
    this.#isSourcePaused = true;
    runInNextIteration(() => {
      taken(null);
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
