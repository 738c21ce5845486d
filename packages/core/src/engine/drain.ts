// drain: what a process does before it ends, so that no result is lost that the store could not take at once.
import type { IdempotencyStore } from '../store.js';
import { StoreLink } from './store-link.js';
import { monotonicMs } from './timing.js';

/**
 * Waits until everything that was answered but not yet recorded at this store is recorded, and until handlers whose request was
 * answered while they worked (by a time-out) have ended and their keys are free: at most `timeoutMs` (default 10 000). True: nothing
 * is left. Call it after the server stopped taking requests and before `store.close()`.
 */
export async function drain(store: IdempotencyStore, { timeoutMs = 10_000 } = {}): Promise<boolean> {
  const { outcomes, releases, working } = StoreLink.of(store);
  const endsAt = monotonicMs() + timeoutMs;
  // First: what ends there may leave a release.
  const hasStopped = await working.drained(timeoutMs);
  const leftMs = Math.max(0, endsAt - monotonicMs());
  const drained = await Promise.all([outcomes.drained(leftMs), releases.drained(leftMs)]);
  return hasStopped && drained.every((done) => done);
}
