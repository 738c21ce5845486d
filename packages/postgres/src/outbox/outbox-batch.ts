// Publishes the messages of one batch: several ordering keys at the same time, one message of each at a time.
import type { CheckedRelayOptions, RelayedMessage, RelayHandler } from './relay-options.js';

export interface QueuedMessage {
  readonly seq: string;
  readonly message: RelayedMessage;
}

/** After this time a batch begins no further message, so that its transaction is not idle for as long as the server allows. */
const maxBatchMs = 10_000;

export class OutboxBatch {
  /** The `seq` of each message that the handler has published. */
  readonly published: string[] = [];
  /** The `seq` of each message with which the handler has failed. */
  readonly failed: string[] = [];
  readonly #startedAt = performance.now();

  constructor(
    private readonly handler: RelayHandler,
    private readonly options: CheckedRelayOptions,
  ) {}

  /** Never rejects. Each queue has the messages of one ordering key. */
  async publish(queues: QueuedMessage[][]): Promise<void> {
    const waiting = [...queues];
    const worker = async () => {
      for (let queue = waiting.shift(); queue !== undefined; queue = waiting.shift()) await this.#publishQueue(queue);
    };
    await Promise.all(Array.from({ length: Math.min(this.options.concurrency, queues.length) }, worker));
  }

  async #publishQueue(queue: readonly QueuedMessage[]): Promise<void> {
    for (const { seq, message } of queue) {
      if (this.options.signal.aborted || performance.now() - this.#startedAt > maxBatchMs) return;
      try {
        await this.#call(message);
        this.published.push(seq);
      } catch (error) {
        this.failed.push(seq);
        this.options.onError(error, message);
        // The next ones of this key have to wait for it.
        return;
      }
    }
  }

  async #call(message: RelayedMessage): Promise<void> {
    const { handlerTimeoutMs } = this.options;
    const signal = AbortSignal.timeout(handlerTimeoutMs);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener(
        'abort',
        () => reject(new Error(`The handler took longer than ${handlerTimeoutMs} ms.`)),
        {
          once: true,
        },
      );
    });
    aborted.catch(() => {});
    await Promise.race([Promise.resolve(this.handler(message, { signal })), aborted]);
  }
}
