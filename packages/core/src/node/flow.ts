// An answer that leaves while it is being written, all but its end.

import type { ServerResponse } from 'node:http';
import { afterThisTurn } from '../timers.js';
import type { Below } from './below.js';
import type { Head } from './head.js';

/** Called when a chunk has been taken, as by `res.write`. */
export type Taken = (error?: Error | null) => void;

export interface Flow {
  /** Sends the head. */
  begin(): void;
  /** Lets bytes through. False asks the source to wait for 'drain', as `res.write` does. */
  write(bytes: Buffer, taken: Taken): boolean;
  /** From here on bytes are dropped. A source that waits goes on. */
  clientLeft(): void;
  /** What is held back: the last byte of an answer with a declared length, nothing otherwise. */
  readonly tail: Buffer;
}

/** How much is dropped before the source waits for the next turn of the event loop: no source keeps the process to itself. */
const droppedInOneTurn = 65_536;

/**
 * Lets an answer through. The client must not be able to take what it has for the whole:
 * with chunked coding the terminator is missing, and with a declared length the last byte.
 */
export function flowOf(res: ServerResponse, below: Below, head: Head, declared: number | undefined): Flow {
  return new NodeFlow(res, below, head, declared);
}

class NodeFlow implements Flow {
  tail = Buffer.alloc(0);
  readonly #res: ServerResponse;
  readonly #below: Below;
  readonly #head: Head;
  #room: number;
  #isWaiting = false;
  #hasClient = true;
  #dropped = 0;

  constructor(res: ServerResponse, below: Below, head: Head, declared: number | undefined) {
    this.#res = res;
    this.#below = below;
    this.#head = head;
    this.#room = declared === undefined ? Number.POSITIVE_INFINITY : declared - 1;
  }

  begin(): void {
    this.#below('writeHead', this.#head.status, this.#head.reason);
    this.#below('flushHeaders');
  }

  write(bytes: Buffer, taken: Taken): boolean {
    if (!this.#hasClient) return this.#drop(bytes.length, taken);
    const passing = bytes.subarray(0, this.#room);
    this.#room -= passing.length;
    if (passing.length < bytes.length) this.tail = Buffer.concat([this.tail, bytes.subarray(passing.length)]);
    if (passing.length === 0 && bytes.length > 0) {
      process.nextTick(taken, null);
      return true;
    }
    // A connection that breaks fails the writes on it. The handler must not see that.
    this.#isWaiting = this.#below('write', passing, () => taken(null)) === false;
    return !this.#isWaiting;
  }

  clientLeft(): void {
    if (!this.#hasClient) return;
    this.#hasClient = false;
    // Nobody else would emit it now.
    if (this.#isWaiting) this.#goOn();
  }

  #drop(length: number, taken: Taken): boolean {
    this.#dropped += length;
    if (this.#dropped < droppedInOneTurn) {
      process.nextTick(taken, null);
      return true;
    }
    const isScheduled = this.#isWaiting;
    this.#isWaiting = true;
    afterThisTurn(() => {
      taken(null);
      if (!isScheduled) this.#goOn();
    });
    return false;
  }

  #goOn(): void {
    this.#dropped = 0;
    this.#isWaiting = false;
    this.#res.emit('drain');
  }
}
