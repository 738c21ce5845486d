// Guarded work is never run again without a decision.
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

export function guardedWork(story: KeyHistory): Violation | null {
  for (const owner of leaseEndReplies(story).filter(({ guarded }) => guarded === true)) {
    const next = grantReplies(story).find(
      (grant) => grant.fencingToken > owner.fencingToken && inSameDataPeriod(story, owner, grant),
    );
    if (next === undefined || isDecided(story, owner, next)) continue;
    const why = `lease ${owner.fencingToken} was guarded, nobody decided about it, and ${next.fencingToken} was granted`;
    return violationOf('guarded work', story.key, why, [owner, next]);
  }
  return null;
}

/** By the owner, who said that nothing happened, or by somebody for it. Whether the store heard of it is not asked. */
function isDecided(story: KeyHistory, owner: LeaseEndReply, next: LeaseReply): boolean {
  return story.events.some((event) => {
    if (event.kind !== 'asked' || event.at > next.now) return false;
    if (event.verb === 'resolve') return event.as === 'not_done' && event.fencingToken === owner.fencingToken;
    const own =
      event.ownerToken === owner.ownerToken ||
      (event.fencingToken !== undefined && event.fencingToken === owner.fencingToken);
    return event.verb === 'release' && event.as !== 'unknown' && own;
  });
}
