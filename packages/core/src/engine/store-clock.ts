// What this process knows of a store's clock: every answer carries it, and between answers a monotonic clock counts on.
import { monotonicMs } from './time.js';

/**
 * Errs on the early side by at most the way back of one answer, so a limit computed from it ends early rather than late.
 * A store clock that jumped is corrected by the next answer.
 */
export class StoreClock {
  #lastStoreTime: number | null = null;
  #observedAt = 0;

  observe(now: number): void {
    this.#lastStoreTime = now;
    this.#observedAt = monotonicMs();
  }

  /** The store's time by now, whole milliseconds; null before the first answer. */
  estimate(): number | null {
    return this.#lastStoreTime === null ? null : this.#lastStoreTime + Math.floor(monotonicMs() - this.#observedAt);
  }
}
