// What all copies of this package in a process still have to say to one store.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';

/** Waits at most `timeoutMs` for the background of one copy. True: nothing is left there. */
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
