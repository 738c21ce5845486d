// A response body that is sent while its source produces it, all but its end.
import { ResponseBody } from '../http/response-body.js';
import { WithheldTail } from '../http/withheld-tail.js';
import { toBuffer } from './bytes.js';

export interface StreamingBodyOptions {
  /** The rest of the body. */
  readonly source: ReadableStreamDefaultReader<Uint8Array>;
  /** What was read from the source already. */
  readonly readAlready: readonly Buffer[];
  /** The value of Content-Length. The last byte is held back then, because a client that has all of them takes them for the whole. */
  readonly declaredLength: number | undefined;
  /** Bytes that are recorded. A larger body is sent but not kept. */
  readonly maxOutcomeBytes: number;
  /** Aborts when the attempt has lost its lease. */
  readonly executionSignal: AbortSignal;
}

/** What there is to record. `body` is null where it was too large, or cut off. */
export interface StreamedBody {
  readonly body: ResponseBody | null;
  readonly size: number;
}

export class StreamingBody {
  /** What the client gets. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Settles when the source has ended. Rejects with what it failed with. */
  readonly ended: Promise<StreamedBody>;
  readonly #options: StreamingBodyOptions;
  readonly #tail: WithheldTail;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #body: ResponseBody | null = new ResponseBody();
  #size = 0;
  #isClientGone = false;
  #isCutOff = false;
  /** The client has asked for bytes and has not got any since. */
  #isWanted = false;
  #resume = () => {};

  constructor(options: StreamingBodyOptions) {
    this.#options = options;
    this.#tail = new WithheldTail(options.declaredLength);
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          this.#resume();
        },
        cancel: () => this.clientGone(),
      },
      // Nothing is read ahead: the client's pace is the source's.
      { highWaterMark: 0 },
    );
    this.ended = this.#pump();
    // The exchange awaits it later. Until then a rejection must not count as unhandled.
    this.ended.catch(() => {});
    options.executionSignal.addEventListener('abort', this.#cutOffIfUseless);
  }

  /** From here on bytes are recorded but not sent. */
  clientGone(): void {
    this.#isClientGone = true;
    this.#cutOffIfUseless();
    this.#resume();
  }

  /** Sends the end. */
  close(): void {
    if (this.#isClientGone || this.#isCutOff) return;
    if (this.#tail.bytes.length > 0) this.#controller?.enqueue(this.#tail.bytes);
    this.#controller?.close();
  }

  /** Lets the client see that the body is not whole. */
  abort(reason: unknown): void {
    if (!this.#isClientGone) this.#controller?.error(reason);
  }

  async #pump(): Promise<StreamedBody> {
    try {
      for (const bytes of this.#options.readAlready) await this.#pass(bytes);
      while (!this.#isCutOff) {
        await this.#untilWanted();
        const { done, value } = await this.#options.source.read();
        if (done) break;
        await this.#pass(toBuffer(value));
      }
      return { body: this.#isCutOff ? null : this.#body, size: this.#size };
    } finally {
      this.#options.executionSignal.removeEventListener('abort', this.#cutOffIfUseless);
    }
  }

  async #pass(bytes: Buffer): Promise<void> {
    this.#record(bytes);
    if (this.#size > (this.#options.declaredLength ?? Number.POSITIVE_INFINITY)) throw new TypeError(tooLongMessage);
    const sendable = this.#tail.withhold(bytes);
    if (sendable.length === 0) return;
    await this.#untilWanted();
    if (this.#isClientGone || this.#isCutOff) return;
    this.#isWanted = false;
    this.#controller?.enqueue(sendable);
  }

  #record(bytes: Buffer): void {
    this.#size += bytes.length;
    if (this.#size <= this.#options.maxOutcomeBytes) this.#body?.append(bytes);
    else this.#dropBody();
  }

  #dropBody(): void {
    if (this.#body === null) return;
    this.#body = null;
    this.#cutOffIfUseless();
  }

  async #untilWanted(): Promise<void> {
    while (!this.#isWanted && !this.#isClientGone && !this.#isCutOff) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
      });
    }
  }

  /**
   * A body that is too large to be recorded is useless once its client or its lease is gone. One that can be recorded is useless once
   * both are gone.
   */
  readonly #cutOffIfUseless = (): void => {
    const isLeaseLost = this.#options.executionSignal.aborted;
    const isUseless = this.#body === null ? this.#isClientGone || isLeaseLost : this.#isClientGone && isLeaseLost;
    if (!isUseless || this.#isCutOff) return;
    this.#isCutOff = true;
    this.abort(new Error('Nobody can get the rest of this response.'));
    // Ends a read that is on its way. Without a reason, because a stream of Node would emit it as an error. Nobody waits for this promise.
    this.#options.source.cancel().catch(() => {});
    this.#resume();
  };
}

const tooLongMessage = 'The body of the response is longer than its Content-Length.';
