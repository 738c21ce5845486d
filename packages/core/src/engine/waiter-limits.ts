// How many callers may wait at once for the outcome of another: at one store in this process, and in one scope.
import { processWide } from '../process-wide.js';
import type { IdempotencyStore } from '../store/port.js';
import type { Policy } from './policy.js';

const defaultMaxWaiters = 1_000;

interface Waiters {
  all: number;
  readonly byScope: Map<string, number>;
}

export type WaiterLimits = Omit<Exclude<Policy['onInProgress'], 'reject'>, 'waitMs'>;

/** Takes the place of one waiter. The result gives it back, once however often it is called. Null: all places are taken. */
export function reserveWaiterSlot(store: IdempotencyStore, scope: string, limits: WaiterLimits): (() => void) | null {
  const { maxWaiters = defaultMaxWaiters, maxWaitersPerScope = maxWaiters } = limits;
  const waiters = waitersOf(store);
  const inScope = waiters.byScope.get(scope) ?? 0;
  if (waiters.all >= maxWaiters || inScope >= maxWaitersPerScope) return null;
  waiters.all += 1;
  waiters.byScope.set(scope, inScope + 1);
  let isTaken = true;
  return () => {
    if (!isTaken) return;
    isTaken = false;
    waiters.all -= 1;
    const left = (waiters.byScope.get(scope) ?? 1) - 1;
    if (left > 0) waiters.byScope.set(scope, left);
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
