// What is still to be said to the store after the caller has been answered: repeated until the store answers, bounded in
// time, number and bytes. A result that waits here is safe from everything but the end of this process.
import { StoreError } from '../errors.js';
import { monotonicMs, pauseInBackground, withJitter } from './time.js';

const maxTasks = 10_000;
const maxBytes = 64 * 1024 * 1024;
/** After an hour nothing waits any more: by then the store would not write a lost record anew either. */
const maxAgeMs = 3_600_000;
const initialPauseMs = 50;
const maxPauseMs = 2_000;

export interface RetryTask {
  /** The bytes that the task keeps in memory. */
  readonly bytes: number;
  /** One try. True: nothing more to do. False, or a failure of the store: to be tried again. */
  tryOnce(): Promise<boolean>;
  /** The task was not taken, or its hour is over. */
  onGivenUp(why: string): void;
}

export class RetryQueue {
  readonly #pending = new Set<Promise<void>>();
  #bytes = 0;

  /** Whether a task that keeps so many bytes is taken. */
  hasRoomFor(bytes: number): boolean {
    return this.#pending.size < maxTasks && this.#bytes + bytes <= maxBytes;
  }

  /** Begins at once. Resolves after the first try, whatever came of it; never rejects. */
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

  /** Waits until all is said, at most `timeoutMs`. True: nothing is left. */
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
  let over = await first;
  for (let tries = 0; !over; tries += 1) {
    if (monotonicMs() >= endsAt) return task.onGivenUp('the store did not answer for an hour');
    await pauseInBackground(withJitter(Math.min(initialPauseMs * 2 ** Math.min(tries, 10), maxPauseMs)));
    over = await tryOnce(task);
  }
}

/**
 * True: the task is over. No class of a store's errors ends it: each may pass within the hour, by itself, by an operator's hand, or
 * with whatever stands between here and the store.
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
