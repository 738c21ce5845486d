// The body of an answer over HTTP/2 so far: held, or flowing with its end held back.
import type { ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { CapturedAnswer } from '../answer.js';
import type { Taken } from '../flow.js';
import { declaredLength, type Head, isEventStream } from '../head.js';
import { isBodylessOverHttp2 } from './http2-head.js';
import { isGone } from './streams.js';

export interface Http2BodyParts {
  readonly res: ServerResponse;
  readonly stream: ServerHttp2Stream;
  readonly maxBytes: number;
  /** Sends the head by what stood beneath the capture. */
  sendHead(status: number): void;
  /** Sends bytes by what stood beneath the capture. False asks for a pause until 'drain'. */
  sendBytes(bytes: Buffer, taken: Taken): unknown;
  /** The answer flows, is too large to be kept, or has lost its client: from here on it may have to be cut off. */
  onLessUseful(): void;
}

export class Http2Body {
  readonly #parts: Http2BodyParts;
  /** Callbacks of bytes on their way. Node calls none of them once the client has left. */
  readonly #untaken = new Set<() => void>();
  #head: Head | undefined;
  #declared: number | undefined;
  #kept: Buffer[] | null = [];
  #size = 0;
  #isFlowing = false;
  #isWaiting = false;
  #isDrainDue = false;
  /** How many bytes may still leave before the end: with a declared length all but the last. */
  #room = Number.POSITIVE_INFINITY;
  #tail = Buffer.alloc(0);

  constructor(parts: Http2BodyParts) {
    this.#parts = parts;
  }

  get head(): Head | undefined {
    return this.#head;
  }

  get isFlowing(): boolean {
    return this.#isFlowing;
  }

  /** Larger than what is kept. */
  get isTooLarge(): boolean {
    return this.#kept === null;
  }

  /** The last bytes of a flowing answer, which are held back with its end. */
  get tail(): Buffer {
    return this.#tail;
  }

  headWritten(head: Head): void {
    this.#head = head;
    this.#declared = declaredLength(head.headers);
    if (this.#declared !== undefined) this.#room = this.#declared - 1;
  }

  headFlushed(): void {
    this.#startFlow();
  }

  /** Answers as `res.write` does: false asks the source to wait for 'drain'. */
  take(chunk: Buffer, taken: Taken): boolean {
    const bytes = chunk.subarray(0, this.#missing());
    this.#size += bytes.length;
    const fits = this.#size <= this.#parts.maxBytes;
    if (!fits || this.#isEventStream) this.#startFlow();
    // A copy: whoever wrote the bytes may use the memory again once they count as written.
    if (fits) this.#kept?.push(Buffer.from(bytes));
    else this.#drop();
    if (!this.#isFlowing) {
      process.nextTick(taken, null);
      return true;
    }
    return this.#let(bytes, taken);
  }

  /** `isWhole`: all bytes are known. The handler's side has ended the answer, or it was cut off. */
  ended(trailers: CapturedAnswer['trailers'], isWhole = true): CapturedAnswer | null {
    if (!this.#head) return null;
    const body = isWhole && this.#kept ? Buffer.concat(this.#kept) : null;
    this.#kept = null;
    return { ...this.#head, trailers, body, size: this.#size, flowing: this.#isFlowing };
  }

  /** Nobody but the record waits for the rest. */
  clientLeft(): void {
    for (const taken of [...this.#untaken]) taken();
    if (this.#isWaiting) this.#drainSoon();
    this.#parts.onLessUseful();
  }

  #drop(): void {
    if (this.#kept) this.#parts.onLessUseful();
    this.#kept = null;
  }

  /** How many more bytes belong to the answer. More than the declared ones would break the stream, or the connection. */
  #missing(): number {
    if (this.#isBodyless) return 0;
    return this.#declared === undefined ? Number.POSITIVE_INFINITY : this.#declared - this.#size;
  }

  get #isBodyless(): boolean {
    return this.#head !== undefined && isBodylessOverHttp2(this.#parts.res.req.method, this.#head.status);
  }

  get #isEventStream(): boolean {
    return this.#head !== undefined && isEventStream(this.#head.headers);
  }

  /** Sends what is held. Nothing may leave early where the head alone is a complete answer. */
  #startFlow(): void {
    if (this.#isFlowing || !this.#head || this.#isBodyless || this.#declared === 0) return;
    this.#isFlowing = true;
    this.#parts.onLessUseful();
    this.#parts.sendHead(this.#head.status);
    const held = Buffer.concat(this.#kept ?? []);
    if (held.length > 0) this.#let(held, () => {});
  }

  #let(bytes: Buffer, taken: Taken): boolean {
    const passing = bytes.subarray(0, this.#room);
    this.#room -= passing.length;
    if (passing.length < bytes.length) this.#tail = Buffer.concat([this.#tail, bytes.subarray(passing.length)]);
    if (isGone(this.#parts.stream)) return this.#skip(taken);
    if (passing.length === 0) {
      process.nextTick(taken, null);
      return true;
    }
    const once = (): void => {
      if (this.#untaken.delete(once)) taken(null);
    };
    this.#untaken.add(once);
    this.#isWaiting = this.#parts.sendBytes(passing, once) === false;
    return !this.#isWaiting;
  }

  /** Bytes for a client that has left. The source goes on at the next turn: it must not keep the process to itself. */
  #skip(taken: Taken): boolean {
    process.nextTick(taken, null);
    // Beyond what is kept the source waits until the answer is cut off.
    if (this.#kept) this.#drainSoon();
    return false;
  }

  #drainSoon(): void {
    if (this.#isDrainDue) return;
    this.#isDrainDue = true;
    setImmediate(() => {
      this.#isDrainDue = false;
      this.#isWaiting = false;
      this.#parts.res.emit('drain');
    });
  }
}
