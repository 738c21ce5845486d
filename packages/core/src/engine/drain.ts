// drain: what a process does before it ends, so that no result is lost that the store could not take at once.
import type { IdempotencyStore } from '../store.js';
import { StoreLink } from './store-link.js';

/**
 * Waits until everything that was answered but not yet recorded at this store is recorded, at most `timeoutMs` (default
 * 10 000). True: nothing is left. Call it after the server stopped taking requests and before `store.close()`.
 */
export async function drain(store: IdempotencyStore, { timeoutMs = 10_000 } = {}): Promise<boolean> {
  const { outcomes, releases } = StoreLink.of(store);
  const drained = await Promise.all([outcomes.drained(timeoutMs), releases.drained(timeoutMs)]);
  return drained.every((done) => done);
}
