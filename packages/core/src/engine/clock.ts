// What this process knows of a store's clock: every answer carries it, and between answers a monotonic clock counts on.
import { monotonicMs } from './timing.js';

/**
 * Errs on the early side by at most the way back of one answer, so a limit computed from it ends early rather than late.
 * A store clock that jumped is corrected by the next answer.
 */
export class StoreClock {
  #now: number | null = null;
  #learntAt = 0;

  learn(now: number): void {
    this.#now = now;
    this.#learntAt = monotonicMs();
  }

  /** The store's time by now, whole milliseconds; null before the first answer. */
  estimate(): number | null {
    return this.#now === null ? null : this.#now + Math.floor(monotonicMs() - this.#learntAt);
  }
}
