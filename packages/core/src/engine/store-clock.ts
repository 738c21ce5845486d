// Estimates a store's clock. Every reply carries the store's time; between replies the monotonic clock of this process continues it.
import { monotonicMs } from './time.js';

/**
 * The estimate is behind the store's clock by at most the time that one reply took to arrive, and never ahead of it: a time limit
 * computed from it ends early rather than late. After the store's clock has jumped, the next reply corrects the estimate.
 */
export class StoreClock {
  #lastStoreTime: number | null = null;
  #observedAt = 0;

  observe(now: number): void {
    this.#lastStoreTime = now;
    this.#observedAt = monotonicMs();
  }

  /** The store's time now, in whole milliseconds; null before the first reply. */
  estimate(): number | null {
    return this.#lastStoreTime === null ? null : this.#lastStoreTime + Math.floor(monotonicMs() - this.#observedAt);
  }
}
