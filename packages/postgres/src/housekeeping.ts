// Deletes records that have ended, by a timer.
import { unref } from '@onceguard/core/sql';

const intervalMs = 60_000;
const batchSize = 1_000;
/** More than a server adds in a minute. What is left comes a minute later. */
const maxBatches = 1_000;

export class Housekeeping {
  readonly #purge: (max: number) => Promise<{ readonly deleted: number; readonly kept: number }>;
  #timer: NodeJS.Timeout | null = null;

  constructor(purge: (max: number) => Promise<{ readonly deleted: number; readonly kept: number }>) {
    this.#purge = purge;
  }

  start(): void {
    // Processes that start together do not purge together.
    const delayMs = intervalMs * (0.5 + Math.random());
    this.#timer = unref(setTimeout(() => void this.#run(), delayMs));
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #run(): Promise<void> {
    try {
      for (let batch = 0; batch < maxBatches && this.#timer !== null; batch += 1) {
        const { deleted, kept } = await this.#purge(batchSize);
        if (deleted + kept < batchSize) break;
      }
    } catch {
      // The server is away, or refuses: calls of the store report it. The next minute tries again.
    }
    if (this.#timer !== null) this.start();
  }
}
