// drain: what a process does before it ends, so that no result is lost that the store could not take at once.

import { drainsOfStore } from '../engine/drain-registry.js';
import type { IdempotencyStore } from '../store/port.js';

/**
 * Waits until everything that was answered but not yet recorded at this store is recorded, and until handlers whose request was
 * answered while they worked (by a time-out) have ended and their keys are free: at most `timeoutMs` (default 10 000). True: nothing
 * is left, in any copy of this package in the process. Call it after the server stopped taking requests and before `store.close()`.
 */
export async function drainStore(store: IdempotencyStore, { timeoutMs = 10_000 } = {}): Promise<boolean> {
  const drained = await Promise.all(drainsOfStore(store).map((drain) => drain(timeoutMs)));
  return drained.every((done) => done);
}
