// watchDoubts: notices work whose outcome nobody knows, also where its owner vanished and nobody tries again.
import * as z from 'zod';
import { markPublished, publishDoubt } from '../engine/doubt-notices.js';
import { setDoubts } from '../engine/store-gauges.js';
import { pauseInBackground, withJitter } from '../engine/time.js';
import { milliseconds, parseOptions } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import { checkStore } from './check-store.js';
import { type Doubt, type DoubtPage, listDoubts } from './list-doubts.js';

export interface WatchDoubtsOptions {
  /**
   * Within how many milliseconds a new doubt is noticed while the store replies. Between two looks pass 45 to 90 % of it, at random, so
   * that the processes of a service do not look together. 100 to 86 400 000, default 5 000.
   */
  intervalMs?: number;
  /** Aborts to stop the watch, as `stop()` does. Default: none. */
  signal?: AbortSignal;
}

/** A running watch. */
export interface DoubtWatch {
  /** How many records needed a decision at the last look. Null before the first one has succeeded. */
  readonly count: number | null;
  /** Ends the watch. Its gauge is gone, and no further look begins. */
  stop(): void;
}

const schema = z.strictObject({
  intervalMs: milliseconds(100, 86_400_000).default(5_000),
  signal: z.instanceof(AbortSignal, { error: 'it must be an AbortSignal' }).optional(),
});

/** A page may hold this many records. A store without an index of doubts looks at them all. */
const pageSize = 1_000;

/**
 * Looks for work that needs a decision, again and again until it is stopped. Publishes the event `outcome_unknown` once for each new
 * doubt, and keeps the count that the gauge `idempotency.doubts` shows (`readStoreGauges`). It decides nothing. Run it in every process
 * of a service: one of them may be the one that dies.
 *
 * Does not keep the process alive. A look that fails is the event `store_error`; what it found before is published, the count stays as it
 * was, and the next look follows.
 * Throws a `ConfigurationError` for options that are not valid.
 *
 * @example
 * const watch = watchDoubts(store);
 * process.on('SIGTERM', () => watch.stop());
 */
export function watchDoubts(store: IdempotencyStore, options: WatchDoubtsOptions = {}): DoubtWatch {
  checkStore('watchDoubts()', store);
  const { intervalMs, signal } = parseOptions('watchDoubts()', schema, options);
  const watch = new Watch(store, intervalMs);
  signal?.addEventListener('abort', () => watch.stop(), { once: true });
  if (signal?.aborted) watch.stop();
  else void watch.run();
  return watch;
}

class Watch implements DoubtWatch {
  count: number | null = null;
  /** The doubts of the last look, with what has been decided about each: a decision makes a later doubt a new one. */
  #known: ReadonlyMap<string, string> = new Map();
  #isStopped = false;

  constructor(
    private readonly store: IdempotencyStore,
    private readonly intervalMs: number,
  ) {}

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    setDoubts(this.store.name, null);
  }

  /** Never rejects. */
  async run(): Promise<void> {
    while (!this.#isStopped) {
      // The event `store_error` has a failure.
      await this.#look().catch(() => undefined);
      await pauseInBackground(withJitter(this.intervalMs * 0.9));
    }
  }

  /** Publishes page by page: where a later page fails, what was found before it is known all the same. */
  async #look(): Promise<void> {
    const found = new Map<string, string>();
    let cursor: string | null = null;
    do {
      const page: DoubtPage = await listDoubts(this.store, { cursor, limit: pageSize });
      if (this.#isStopped) return;
      for (const doubt of page.doubts) {
        this.#publishIfNew(doubt);
        found.set(doubt.recordName, decisionsOf(doubt));
      }
      cursor = page.cursor;
    } while (cursor !== null);
    this.#known = found;
    this.count = found.size;
    setDoubts(this.store.name, this.count);
  }

  /** A recovery that could not tell makes another attempt of the same doubt, which nobody needs to hear of again. */
  #publishIfNew(doubt: Doubt): void {
    if (this.#known.get(doubt.recordName) === decisionsOf(doubt)) {
      markPublished(this.store, doubt.recordName, doubt.fencingToken);
      return;
    }
    publishDoubt(this.store, doubt, doubt.state === 'abandoned' ? 'abandoned' : 'left_unknown', null);
  }
}

function decisionsOf({ decisions }: Doubt): string {
  return decisions.map(({ fencingToken }) => fencingToken).join(' ');
}
