// An owner that was overtaken changes nothing: neither is it told that it did, nor does its outcome turn up on record.
import type { Told } from '../history.js';
import { accepted, broken, grants, inOneLife, type Owned, type Story, type Violation } from '../story.js';

export function staleOwner(story: Story): Violation | null {
  return changed(story) ?? decidedAgainst(story) ?? turnedUp(story);
}

/** Accepted by the store, although somebody with a higher fencing token had been granted the key before. */
function changed(story: Story): Violation | null {
  for (const told of accepted(story)) {
    const newer = newerGrant(story, told, told.fence, told.now);
    if (newer === undefined) continue;
    const why = `the owner of lease ${told.fence} was answered ${told.answer} to ${told.verb} after ${newer.fence} was granted`;
    return broken('stale owner', story.key, why, [newer, told]);
  }
  return null;
}

/** Accepted by the store, although a decision about that very lease had been taken before. */
function decidedAgainst(story: Story): Violation | null {
  const decisions = story.events.filter(
    (event): event is Owned => event.kind === 'told' && event.verb === 'resolve' && event.answer === 'ok',
  );
  for (const told of accepted(story)) {
    const decision = decisions.find(
      (made) => made.fence >= told.fence && made.now < told.now && inOneLife(story, made, told),
    );
    if (decision === undefined) continue;
    const why = `the owner of lease ${told.fence} was answered ${told.answer} to ${told.verb} after a decision about it`;
    return broken('stale owner', story.key, why, [decision, told]);
  }
  return null;
}

/** On record as the outcome, although somebody else had been granted the key before it was recorded. */
function turnedUp(story: Story): Violation | null {
  for (const told of story.events) {
    if (told.kind !== 'told' || told.completedBy === undefined || told.completedAt === undefined) continue;
    const newer = newerGrant(story, told, told.completedBy, told.completedAt);
    if (newer === undefined) continue;
    const why = `lease ${told.completedBy} was completed at ${told.completedAt}, after ${newer.fence} was granted`;
    return broken('stale owner', story.key, why, [newer, told]);
  }
  return null;
}

function newerGrant(story: Story, told: Told, fence: number, time: number): Owned | undefined {
  return grants(story).find((grant) => grant.fence > fence && grant.now < time && inOneLife(story, grant, told));
}
