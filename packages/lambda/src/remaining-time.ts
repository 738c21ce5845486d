// What the time limit of a function means for its leases, and for outcomes that are not on record when it responds.
import { drainStore, type IdempotencyStore } from '@onceguard/core';

/** What Lambda passes to a handler beside the event, as far as it is used here. */
export interface LambdaContext {
  /** Milliseconds until Lambda ends the process. */
  getRemainingTimeInMillis(): number;
}

/** A shorter lease would be renewed so often that a slow reply of the store ends it. */
const minLeaseMs = 1_000;
/** What Lambda needs at the end to get the response out of the process. */
const responseReserveMs = 500;

/**
 * The longest lease that makes sense, in milliseconds: Lambda ends the process after the remaining time. Infinity where the context is
 * missing, as in unit tests.
 */
export function maxLeaseMs(context: unknown): number {
  return Math.max(minLeaseMs, Math.floor(remainingMs(context)));
}

/**
 * Waits until every outcome is on record that callers are about to get: Lambda freezes the process after the response, and nothing is
 * recorded in a frozen process. Stops 500 ms before the time limit, and after `leaseMs`, when others may have taken over. Never rejects.
 */
export async function recordBeforeFreeze(
  store: IdempotencyStore,
  { context, leaseMs }: { context: unknown; leaseMs: number },
): Promise<void> {
  const timeoutMs = Math.floor(Math.min(leaseMs, remainingMs(context) - responseReserveMs));
  if (timeoutMs > 0) await drainStore(store, { timeoutMs });
}

function remainingMs(context: unknown): number {
  const read: unknown =
    typeof context === 'object' && context !== null ? Reflect.get(context, 'getRemainingTimeInMillis') : undefined;
  const remaining: unknown = typeof read === 'function' ? read.call(context) : undefined;
  return typeof remaining === 'number' && !Number.isNaN(remaining) ? remaining : Number.POSITIVE_INFINITY;
}
