// Limits how many callers may wait at once for the outcome of another attempt: at one store in this process, and in one scope.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';
import type { Policy } from './policy.js';

const defaultMaxWaiters = 1_000;

interface Waiters {
  all: number;
  readonly byScope: Map<string, number>;
}

export type WaiterLimits = Omit<Exclude<Policy['onInProgress'], 'reject'>, 'waitMs'>;

/** Reserves one slot. Returns a function that releases it, also if called more than once; null where all slots are taken. */
export function reserveWaiterSlot(store: IdempotencyStore, scope: string, limits: WaiterLimits): (() => void) | null {
  const { maxWaiters = defaultMaxWaiters, maxWaitersPerScope = maxWaiters } = limits;
  const waiters = waitersOf(store);
  const inScope = waiters.byScope.get(scope) ?? 0;
  if (waiters.all >= maxWaiters || inScope >= maxWaitersPerScope) return null;
  waiters.all += 1;
  waiters.byScope.set(scope, inScope + 1);
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    waiters.all -= 1;
    const remaining = (waiters.byScope.get(scope) ?? 1) - 1;
    if (remaining > 0) waiters.byScope.set(scope, remaining);
    else waiters.byScope.delete(scope);
  };
}

function waitersOf(store: IdempotencyStore): Waiters {
  const all = processWide('waiters/1', () => new WeakMap<IdempotencyStore, Waiters>());
  const known = all.get(store);
  if (known !== undefined) return known;
  const waiters: Waiters = { all: 0, byScope: new Map() };
  all.set(store, waiters);
  return waiters;
}
