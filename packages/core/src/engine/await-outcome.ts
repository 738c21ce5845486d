// Waiting for another's outcome: bounded in time and in number of waiters, and it ends in the same answer as not waiting.
import { StoreError } from '../errors.js';
import type { CoalescedWait } from './coalesced-wait.js';
import type { ExecutionRequest } from './execution.js';
import type { LeaseGranted, NotAcquired } from './lease-acquirer.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';
import { reserveWaiterSlot } from './waiter-limits.js';
import { type OnCallerGone, WaitingCaller } from './waiting-caller.js';

/** How a caller looks: as one that may be granted the work, or as one that only wants to know. */
type WaitRole = 'claimant' | 'onlooker';

/**
 * Looks again while the answer is `in_progress` and the options allow it. The first look is the caller's own, and so is a
 * lease: only the one who looked is granted it. Whatever else a look tells is told to all who wait for the same, and they
 * share the bytes of an outcome, which nobody changes. A caller that leaves stops waiting at once, and gives its place to another.
 */
export async function awaitOutcome<Seen extends LeaseGranted | NotAcquired>(
  link: StoreClient,
  plan: ExecutionRequest,
  role: WaitRole,
  first: Seen,
  look: () => Promise<Seen>,
  onCallerGone?: OnCallerGone,
): Promise<Seen | NotAcquired> {
  const { onInProgress, onAbandoned } = plan.policy;
  if (first.kind !== 'in_progress' || onInProgress === 'reject') return first;
  const givePlaceBack = reserveWaiterSlot(plan.store, plan.scope ?? '', onInProgress);
  if (givePlaceBack === null) return first;
  const endsAt = monotonicMs() + onInProgress.waitMs;
  const caller = new WaitingCaller(onCallerGone, givePlaceBack);
  link.subscribe();
  try {
    const wait = link.waits.getOrCreate(plan.recordName, [role, onAbandoned, plan.fingerprint].join(' '));
    const turn = await wait.join(endsAt, caller);
    if (turn === 'lead') return await poll(wait, endsAt, caller, first, look);
    if (turn === 'left') return first;
    if (turn === 'over') return await pollOnce(look, first);
    return turn;
  } finally {
    caller.dispose();
  }
}

async function poll<Seen extends LeaseGranted | NotAcquired>(
  wait: CoalescedWait,
  endsAt: number,
  caller: WaitingCaller,
  first: Seen,
  look: () => Promise<Seen>,
): Promise<Seen> {
  let seen = first;
  try {
    do {
      await wait.pauseBeforePoll(endsAt, caller);
      if (caller.hasLeft) return seen;
      seen = await pollOnce(look, seen);
    } while (seen.kind === 'in_progress' && monotonicMs() < endsAt);
    return seen;
  } finally {
    wait.handOver(sharedReply(seen));
  }
}

/** What one look means for all. */
function sharedReply(seen: LeaseGranted | NotAcquired): NotAcquired | null {
  return seen.kind === 'granted' || seen.kind === 'in_progress' ? null : seen;
}

/** Where the store is silent: somebody was at work when it was last heard. That stands, or a bypass would run beside them. */
async function pollOnce<Seen>(look: () => Promise<Seen>, last: Seen): Promise<Seen> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof StoreError) return last;
    throw error;
  }
}
