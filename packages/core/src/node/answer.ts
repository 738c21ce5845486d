// What the handler's side has answered so far, held or flowing.
import type { ServerResponse } from 'node:http';
import type { Below } from './below.js';
import { type Flow, flowOf, type Taken } from './flow.js';
import { declaredLength, type Head, isBodyless, isEventStream } from './head.js';
import { KeptBytes } from './kept-bytes.js';
import { insidesOf } from './overlay.js';

/** An answer that the handler's side has ended, or that was cut off before its end: then its body is null. */
export interface CapturedAnswer extends Head {
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** Null: larger than `maxResponseBytes`; it flowed and was not kept. Empty where Node sends no body (HEAD, 204, 304). */
  readonly body: Buffer | null;
  /** Bytes of the body, kept or not. */
  readonly size: number;
  /** Its head and its bytes have left already, all but the end. */
  readonly flowing: boolean;
}

/** As in `CaptureOptions`. */
interface Limits {
  readonly maxResponseBytes: number;
  readonly isSubstituted?: boolean;
}

const noBytes = Buffer.alloc(0);

export class AnswerSoFar {
  readonly #res: ServerResponse;
  readonly #below: Below;
  readonly #maxBytes: number;
  readonly #isSubstituted: boolean;
  readonly #onFlow: () => void;
  #head: Head | undefined;
  #declared: number | undefined;
  #kept: KeptBytes | null = new KeptBytes();
  #size = 0;
  #flow: Flow | undefined;
  #hasClient = true;

  /** Calls `onFlow` when the answer begins to flow, and when it turns out to be too large to be kept. */
  constructor(res: ServerResponse, below: Below, limits: Limits, onFlow: () => void) {
    this.#res = res;
    this.#below = below;
    this.#maxBytes = limits.maxResponseBytes;
    this.#isSubstituted = limits.isSubstituted ?? false;
    this.#onFlow = onFlow;
  }

  /** The head is written, and nothing has left. */
  get isHeld(): boolean {
    return this.#head !== undefined && !this.#flow;
  }

  get isFlowing(): boolean {
    return this.#flow !== undefined;
  }

  /** Larger than `maxResponseBytes`: it is not kept. */
  get isTooLarge(): boolean {
    return this.#kept === null;
  }

  /** The last bytes of a flowing answer, which are held back with its end. */
  get tail(): Buffer {
    return this.#flow?.tail ?? noBytes;
  }

  /** From here on bytes are kept and no longer sent. */
  clientLeft(): void {
    this.#hasClient = false;
    this.#flow?.clientLeft();
  }

  /** From here on Node's own methods refuse headers that come too late: they look for the head's text. */
  headWritten(head: Head, isChunked: boolean, text: unknown): void {
    this.#head = head;
    insidesOf(this.#res)._header = text;
    this.#declared = isChunked ? undefined : declaredLength(head.headers);
  }

  headFlushed(): void {
    if (!this.#flow) this.#startFlow();
  }

  /** Takes the body of an answer that is given whole. False, and nothing done, if it is too large to be held. */
  holdWhole(head: Head, body: Buffer, text: string): boolean {
    if (body.length > this.#maxBytes) return false;
    this.#head = head;
    insidesOf(this.#res)._header = text;
    this.#kept = new KeptBytes(body);
    this.#size = body.length;
    return true;
  }

  /** Takes a chunk that Node accepted. Answers as `res.write` does: false asks the source to wait for 'drain'. */
  take(chunk: Buffer, taken: Taken): boolean {
    const bytes = chunk.subarray(0, this.#room());
    this.#size += bytes.length;
    if (this.#isSubstituted) {
      process.nextTick(taken, null);
      return true;
    }
    const fits = this.#size <= this.#maxBytes;
    if (!this.#flow && (!fits || this.#isEventStream)) this.#startFlow();
    // A copy: whoever wrote the bytes may use the memory again once they count as written.
    if (fits) this.#kept?.add(bytes);
    else this.#dropKept();

    if (this.#flow) return this.#flow.write(bytes, taken);
    process.nextTick(taken, null);
    return true;
  }

  ended(trailers: CapturedAnswer['trailers']): CapturedAnswer | null {
    if (!this.#head) return null;
    if (this.isHeld) insidesOf(this.#res).finished = true;
    const body = this.#kept?.bytes ?? null;
    this.#kept = null;
    const { status, reason, headers } = this.#head;
    return { status, reason, headers, trailers, body, size: this.#size, flowing: this.#flow !== undefined };
  }

  /** The answer as it is when it is cut off. Null where not even its head is known. */
  cutOff(): CapturedAnswer | null {
    this.#kept = null;
    return this.ended([]);
  }

  /** Whoever writes to the client, Node's own methods included, needs to be told that nothing has left. */
  nothingHasLeft(): void {
    if (this.#flow) return;
    insidesOf(this.#res)._header = null;
    insidesOf(this.#res).finished = false;
  }

  /**
   * How many more bytes belong to the answer. Node drops the body of a bodyless one, and so do we. Bytes beyond
   * Content-Length, which plain Node sends as rubbish between two answers, are dropped too.
   */
  #room(): number {
    if (this.#isBodyless) return 0;
    return this.#declared === undefined ? Number.POSITIVE_INFINITY : this.#declared - this.#size;
  }

  get #isBodyless(): boolean {
    return this.#head !== undefined && isBodyless(this.#res.req, this.#head.status);
  }

  get #isEventStream(): boolean {
    return this.#head !== undefined && isEventStream(this.#head.headers);
  }

  /** Lets go what is held. Nothing may leave early where the head alone is a complete answer. */
  #startFlow(): void {
    if (!this.#head || this.#isBodyless || this.#declared === 0 || this.#isSubstituted) return;
    this.nothingHasLeft();
    this.#flow = flowOf(this.#res, this.#below, this.#head, this.#declared);
    if (!this.#hasClient) this.#flow.clientLeft();
    this.#flow.begin();
    const held = this.#kept?.bytes ?? noBytes;
    // A copy: more bytes may be kept before these have left.
    if (held.length > 0) this.#flow.write(Buffer.from(held), () => {});
    this.#onFlow();
  }

  #dropKept(): void {
    if (this.#kept === null) return;
    this.#kept = null;
    this.#onFlow();
  }
}
