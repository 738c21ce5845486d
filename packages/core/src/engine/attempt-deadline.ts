// How long somebody waits for the part of an attempt that goes on now.
import type { IdempotencyError } from '../errors.js';

export class AttemptDeadline {
  /** Rejects with the error of the part whose time is over. */
  readonly exceeded: Promise<never>;
  /** Null: nobody has given up. */
  #error: IdempotencyError | null = null;
  #reject: (error: IdempotencyError) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.exceeded = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    this.exceeded.catch(() => {});
  }

  get error(): IdempotencyError | null {
    return this.#error;
  }

  /** The next part begins, in place of the one before. `onExceeded` is called before `exceeded` rejects. */
  start(ms: number, createError: () => IdempotencyError, onExceeded: () => void = () => {}): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#error = createError();
      onExceeded();
      this.#reject(this.#error);
    }, ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  assertNotExceeded(): void {
    if (this.#error !== null) throw this.#error;
  }
}
