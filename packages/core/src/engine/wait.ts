// Waiting for another's outcome: bounded in time and in number of waiters, and it ends in the same answer as not waiting.
import { StoreError } from '../errors.js';
import type { Plan } from './plan.js';
import type { StoreLink } from './store-link.js';
import { jittered, monotonicMs, pause } from './timing.js';

/** Callers that may wait at once, per store and process; those beyond it are answered at once. */
const maxWaiters = 1_000;
const firstPauseMs = 20;
const longestPauseMs = 250;

/** Looks again while the answer is `in_progress` and the options allow it. The first look is the caller's. */
export async function awaitOutcome<Seen extends { readonly kind: string }>(
  link: StoreLink,
  plan: Plan,
  first: Seen,
  lookAgain: () => Promise<Seen>,
): Promise<Seen> {
  const { onInProgress } = plan.terms;
  if (first.kind !== 'in_progress' || onInProgress === 'reject' || link.waiters >= maxWaiters) return first;
  const endsAt = monotonicMs() + onInProgress.waitMs;
  link.waiters += 1;
  try {
    let seen = first;
    for (let looks = 0; seen.kind === 'in_progress'; looks += 1) {
      const leftMs = endsAt - monotonicMs();
      if (leftMs <= 0) break;
      await pause(Math.min(jittered(Math.min(firstPauseMs * 1.5 ** looks, longestPauseMs)), leftMs));
      seen = await lookAgain().catch((error: unknown) => whereStoreIsSilent(error, seen));
    }
    return seen;
  } finally {
    link.waiters -= 1;
  }
}

/** Somebody was at work when the store was last heard: that stands, or a bypass would run beside them. */
function whereStoreIsSilent<Seen>(error: unknown, last: Seen): Seen {
  if (error instanceof StoreError) return last;
  throw error;
}
