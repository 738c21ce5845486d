// An answer that leaves while it is being written, all but its end.
import type { ServerResponse } from 'node:http';
import type { Below } from './below.js';
import type { Head } from './head.js';

/** Called when a chunk has been taken, as by `res.write`. */
export type Taken = (error?: Error | null) => void;

export interface Flow {
  /** Sends the head. */
  begin(): void;
  /** Lets bytes through. False asks the source to wait for 'drain', as `res.write` does. */
  write(bytes: Buffer, taken: Taken): boolean;
  /** What is held back: the last byte of an answer with a declared length, nothing otherwise. */
  readonly tail: Buffer;
  /** The source waits for 'drain'. */
  readonly isWaiting: boolean;
}

/**
 * Lets an answer through. The client must not be able to take what it has for the whole:
 * with chunked coding the terminator is missing, and with a declared length the last byte.
 */
export function flowOf(res: ServerResponse, below: Below, head: Head, declared: number | undefined): Flow {
  let room = declared === undefined ? Number.POSITIVE_INFINITY : declared - 1;
  let tail = Buffer.alloc(0);
  let isWaiting = false;

  return {
    begin() {
      below('writeHead', head.status, head.reason);
      below('flushHeaders');
    },
    write(bytes, taken) {
      const passing = bytes.subarray(0, room);
      room -= passing.length;
      if (passing.length < bytes.length) tail = Buffer.concat([tail, bytes.subarray(passing.length)]);
      // Without a socket, which a pipelined request gets in its turn, Node would keep everything. With one, the stand-in
      // drops what comes after the client has gone.
      const isLost = !res.socket && res.req.socket.destroyed;
      if (isLost || (passing.length === 0 && bytes.length > 0)) {
        process.nextTick(taken, null);
        return true;
      }
      isWaiting = below('write', passing, taken) === false;
      return !isWaiting;
    },
    get tail() {
      return tail;
    },
    get isWaiting() {
      return isWaiting;
    },
  };
}
