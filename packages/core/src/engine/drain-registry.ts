// The background work for one store in all copies of this package in the process.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';

/** Waits at most `timeoutMs` for the background work of one copy. Returns whether nothing is left there. */
type DrainCallback = (timeoutMs: number) => Promise<boolean>;

export function registerDrain(store: IdempotencyStore, drain: DrainCallback): void {
  const drains = registry().get(store) ?? new Set();
  registry().set(store, drains.add(drain));
}

/** The callbacks for the store. A store around another one has those of the innermost store, whose queues it shares. */
export function drainsOfStore(store: IdempotencyStore): readonly DrainCallback[] {
  let innermost = store;
  while (innermost.wrappedStore !== undefined) innermost = innermost.wrappedStore;
  return [...(registry().get(innermost) ?? [])];
}

function registry(): WeakMap<IdempotencyStore, Set<DrainCallback>> {
  return processWide('drains/1', () => new WeakMap());
}
