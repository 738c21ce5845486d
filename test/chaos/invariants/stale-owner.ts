// An owner that was overtaken changes nothing: neither is it told that it did, nor does its outcome turn up on record.
import type { StoreReplied } from '../history.js';
import {
  acceptedReplies,
  grantReplies,
  inSameDataPeriod,
  type KeyHistory,
  type LeaseReply,
  type Violation,
  violationOf,
} from '../key-history.js';

export function staleOwner(story: KeyHistory): Violation | null {
  return acceptedFromStaleOwner(story) ?? acceptedAfterDecision(story) ?? recordedByStaleOwner(story);
}

/** Accepted by the store, although somebody with a higher fencing token had been granted the key before. */
function acceptedFromStaleOwner(story: KeyHistory): Violation | null {
  for (const told of acceptedReplies(story)) {
    const newer = newerGrant(story, told, told.fencingToken, told.now);
    if (newer === undefined) continue;
    const why = `the owner of lease ${told.fencingToken} was answered ${told.reply} to ${told.verb} after ${newer.fencingToken} was granted`;
    return violationOf('stale owner', story.key, why, [newer, told]);
  }
  return null;
}

/** Accepted by the store, although a decision about that very lease had been taken before. */
function acceptedAfterDecision(story: KeyHistory): Violation | null {
  const decisions = story.events.filter(
    (event): event is LeaseReply => event.kind === 'told' && event.verb === 'resolve' && event.reply === 'ok',
  );
  for (const told of acceptedReplies(story)) {
    const decision = decisions.find(
      (made) => made.fencingToken >= told.fencingToken && made.now < told.now && inSameDataPeriod(story, made, told),
    );
    if (decision === undefined) continue;
    const why = `the owner of lease ${told.fencingToken} was answered ${told.reply} to ${told.verb} after a decision about it`;
    return violationOf('stale owner', story.key, why, [decision, told]);
  }
  return null;
}

/** On record as the outcome, although somebody else had been granted the key before it was recorded. */
function recordedByStaleOwner(story: KeyHistory): Violation | null {
  for (const told of story.events) {
    if (told.kind !== 'told' || told.completedBy === undefined || told.completedAt === undefined) continue;
    const newer = newerGrant(story, told, told.completedBy, told.completedAt);
    if (newer === undefined) continue;
    const why = `lease ${told.completedBy} was completed at ${told.completedAt}, after ${newer.fencingToken} was granted`;
    return violationOf('stale owner', story.key, why, [newer, told]);
  }
  return null;
}

function newerGrant(story: KeyHistory, told: StoreReplied, fencingToken: number, time: number): LeaseReply | undefined {
  return grantReplies(story).find(
    (grant) => grant.fencingToken > fencingToken && grant.now < time && inSameDataPeriod(story, grant, told),
  );
}
