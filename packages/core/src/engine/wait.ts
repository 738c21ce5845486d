// Waiting for another's outcome: bounded in time and in number of waiters, and it ends in the same answer as not waiting.
import { StoreError } from '../errors.js';
import type { Granted, Told } from './claimant.js';
import type { Plan } from './plan.js';
import type { SharedWait } from './shared-wait.js';
import type { StoreLink } from './store-link.js';
import { monotonicMs } from './timing.js';
import { takeWaiterPlace } from './waiter-limits.js';
import { type OnCallerGone, WaitingCaller } from './waiting-caller.js';

/** How a caller looks: as one that may be granted the work, or as one that only wants to know. */
type Role = 'claimant' | 'onlooker';

/**
 * Looks again while the answer is `in_progress` and the options allow it. The first look is the caller's own, and so is a
 * lease: only the one who looked is granted it. Whatever else a look tells is told to all who wait for the same, and they
 * share the bytes of an outcome, which nobody changes. A caller that leaves stops waiting at once, and gives its place to another.
 */
export async function awaitOutcome<Seen extends Granted | Told>(
  link: StoreLink,
  plan: Plan,
  role: Role,
  first: Seen,
  look: () => Promise<Seen>,
  onCallerGone?: OnCallerGone,
): Promise<Seen | Told> {
  const { onInProgress, onAbandoned } = plan.terms;
  if (first.kind !== 'in_progress' || onInProgress === 'reject') return first;
  const givePlaceBack = takeWaiterPlace(plan.store, plan.scope ?? '', onInProgress);
  if (givePlaceBack === null) return first;
  const endsAt = monotonicMs() + onInProgress.waitMs;
  const caller = new WaitingCaller(onCallerGone, givePlaceBack);
  link.listen();
  try {
    const wait = link.waits.join(plan.name, [role, onAbandoned, plan.fingerprint].join(' '));
    const turn = await wait.turn(endsAt, caller);
    if (turn === 'lead') return await lead(wait, endsAt, caller, first, look);
    if (turn === 'left') return first;
    if (turn === 'over') return await lookAgain(look, first);
    return turn;
  } finally {
    caller.dispose();
  }
}

async function lead<Seen extends Granted | Told>(
  wait: SharedWait,
  endsAt: number,
  caller: WaitingCaller,
  first: Seen,
  look: () => Promise<Seen>,
): Promise<Seen> {
  let seen = first;
  try {
    do {
      await wait.pause(endsAt, caller);
      if (caller.hasLeft) return seen;
      seen = await lookAgain(look, seen);
    } while (seen.kind === 'in_progress' && monotonicMs() < endsAt);
    return seen;
  } finally {
    wait.leave(endFor(seen));
  }
}

/** What one look means for all. */
function endFor(seen: Granted | Told): Told | null {
  return seen.kind === 'granted' || seen.kind === 'in_progress' ? null : seen;
}

/** Where the store is silent: somebody was at work when it was last heard. That stands, or a bypass would run beside them. */
async function lookAgain<Seen>(look: () => Promise<Seen>, last: Seen): Promise<Seen> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof StoreError) return last;
    throw error;
  }
}
