// Invariant: guarded work never runs again without a decision.
import {
  grantReplies,
  inSameDataPeriod,
  type KeyHistory,
  type LeaseEndReply,
  type LeaseReply,
  leaseEndReplies,
  type Violation,
  violationOf,
} from '../key-history.js';

export function guardedWork(history: KeyHistory): Violation | null {
  for (const owner of leaseEndReplies(history).filter(({ guarded }) => guarded === true)) {
    const next = grantReplies(history).find(
      (grant) => grant.fencingToken > owner.fencingToken && inSameDataPeriod(history, owner, grant),
    );
    if (next === undefined || isDecided(history, owner, next)) continue;
    const why = `lease ${owner.fencingToken} was guarded, nobody decided about it, and ${next.fencingToken} was granted`;
    return violationOf('guarded work', history.key, why, [owner, next]);
  }
  return null;
}

/** Whether the owner released the lease, or an operator decided about it. It is enough that the call was sent. */
function isDecided(history: KeyHistory, owner: LeaseEndReply, next: LeaseReply): boolean {
  return history.events.some((event) => {
    if (event.kind !== 'store_call' || event.at > next.now) return false;
    if (event.verb === 'resolve') return event.as === 'not_done' && event.fencingToken === owner.fencingToken;
    const isOwn =
      event.ownerToken === owner.ownerToken ||
      (event.fencingToken !== undefined && event.fencingToken === owner.fencingToken);
    return event.verb === 'release' && event.as !== 'unknown' && isOwn;
  });
}
