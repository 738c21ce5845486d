// Guarded work is never run again without a decision.
import {
  broken,
  grants,
  inOneLife,
  type LeaseEndTold,
  leaseEndsTold,
  type Owned,
  type Story,
  type Violation,
} from '../story.js';

export function guardedWork(story: Story): Violation | null {
  for (const owner of leaseEndsTold(story).filter(({ guarded }) => guarded === true)) {
    const next = grants(story).find((grant) => grant.fence > owner.fence && inOneLife(story, owner, grant));
    if (next === undefined || isDecided(story, owner, next)) continue;
    const why = `lease ${owner.fence} was guarded, nobody decided about it, and ${next.fence} was granted`;
    return broken('guarded work', story.key, why, [owner, next]);
  }
  return null;
}

/** By the owner, who said that nothing happened, or by somebody for it. Whether the store heard of it is not asked. */
function isDecided(story: Story, owner: LeaseEndTold, next: Owned): boolean {
  return story.events.some((event) => {
    if (event.kind !== 'asked' || event.at > next.now) return false;
    if (event.verb === 'resolve') return event.as === 'not_done' && event.fence === owner.fence;
    const own = event.token === owner.token || (event.fence !== undefined && event.fence === owner.fence);
    return event.verb === 'release' && event.as !== 'unknown' && own;
  });
}
