// The background work for one store in all copies of this package in the process.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';

/** Waits at most `timeoutMs` for the background work of one copy. Returns whether nothing is left there. */
type DrainCallback = (timeoutMs: number) => Promise<boolean>;

export function registerDrain(store: IdempotencyStore, drain: DrainCallback): void {
  const drains = registry().get(store) ?? new Set();
  registry().set(store, drains.add(drain));
}

export function drainsOfStore(store: IdempotencyStore): readonly DrainCallback[] {
  return [...(registry().get(store) ?? [])];
}

function registry(): WeakMap<IdempotencyStore, Set<DrainCallback>> {
  return processWide('drains/1', () => new WeakMap());
}
