// Bounded queue of store calls that outlive their request: each is retried until the store replies, within a limit of time, number and
// bytes. A result in this queue is lost only if the process ends.
import { StoreError } from '../errors.js';
import type { RetryQueueLimits } from '../store/port.js';
import { type Backoff, backoffMs, monotonicMs, pauseInBackground } from './time.js';

const defaultLimits = Object.freeze({ maxCalls: 10_000, maxBytes: 64 * 2 ** 20 });
/** An hour. After it the store would not write a lost record again either (`restoreWindowMs`). */
const maxAgeMs = 3_600_000;
const retryBackoff: Backoff = { initialMs: 50, maxMs: 2_000 };

export interface RetryTask {
  /** The bytes that the task keeps in memory. */
  readonly bytes: number;
  /** Makes one try. True: the task is done. False, or a rejection with a `StoreError`: it is tried again. */
  tryOnce(): Promise<boolean>;
  /** Called when the queue has no room for the task, when its hour is over, or when a try failed with any other error. */
  onGivenUp(why: string): void;
}

export class RetryQueue {
  readonly #pending = new Set<Promise<void>>();
  readonly #maxCalls: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor({ maxCalls = defaultLimits.maxCalls, maxBytes = defaultLimits.maxBytes }: RetryQueueLimits = {}) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  /** Whether `add` would take a task of this many bytes. */
  hasRoomFor(bytes: number): boolean {
    return this.#pending.size < this.#maxCalls && this.#bytes + bytes <= this.#maxBytes;
  }

  /** Starts the first try at once. Resolves after that try, whether it succeeded or not; never rejects. */
  async add(task: RetryTask): Promise<void> {
    if (!this.hasRoomFor(task.bytes)) {
      task.onGivenUp('too much is waiting for the store already');
      return;
    }
    const first = tryOnce(task);
    this.#bytes += task.bytes;
    const run = retryUntilDone(task, first).finally(() => {
      this.#bytes -= task.bytes;
      this.#pending.delete(run);
    });
    this.#pending.add(run);
    await first;
  }

  /** Waits until the queue is empty, at most `timeoutMs`. Returns whether it is empty. */
  async drain(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const timeIsUp = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#whenIdle(), timeIsUp]);
    clearTimeout(timer);
    return this.#pending.size === 0;
  }

  async #whenIdle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}

async function retryUntilDone(task: RetryTask, first: Promise<boolean>): Promise<void> {
  const endsAt = monotonicMs() + maxAgeMs;
  let isDone = await first;
  for (let tries = 0; !isDone; tries += 1) {
    if (monotonicMs() >= endsAt) return task.onGivenUp('the store did not reply for an hour');
    await pauseInBackground(backoffMs(tries, retryBackoff));
    isDone = await tryOnce(task);
  }
}

/**
 * True: the task is done or given up. A store's error of any class means another try: its cause may disappear within the hour, by itself
 * or because an operator acts.
 */
async function tryOnce(task: RetryTask): Promise<boolean> {
  try {
    return await task.tryOnce();
  } catch (error) {
    if (error instanceof StoreError) return false;
    task.onGivenUp(error instanceof Error ? error.message : String(error));
    return true;
  }
}
