// Invariant: a stale owner changes nothing. No reply confirms a change to it, and its outcome is never recorded.
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

export function staleOwner(history: KeyHistory): Violation | null {
  return acceptedFromStaleOwner(history) ?? acceptedAfterDecision(history) ?? recordedByStaleOwner(history);
}

/** The store accepted a call of an owner after it had granted a higher fencing token. */
function acceptedFromStaleOwner(history: KeyHistory): Violation | null {
  for (const reply of acceptedReplies(history)) {
    const newer = newerGrant(history, reply, reply.fencingToken, reply.now);
    if (newer === undefined) continue;
    const why = `the owner of lease ${reply.fencingToken} got ${reply.reply} to ${reply.verb} after ${newer.fencingToken} was granted`;
    return violationOf('stale owner', history.key, why, [newer, reply]);
  }
  return null;
}

/** The store accepted a call of an owner after a decision about its lease. */
function acceptedAfterDecision(history: KeyHistory): Violation | null {
  const decisions = history.events.filter(
    (event): event is LeaseReply => event.kind === 'store_reply' && event.verb === 'resolve' && event.reply === 'ok',
  );
  for (const reply of acceptedReplies(history)) {
    const decision = decisions.find(
      (candidate) =>
        candidate.fencingToken >= reply.fencingToken &&
        candidate.now < reply.now &&
        inSameDataPeriod(history, candidate, reply),
    );
    if (decision === undefined) continue;
    const why = `the owner of lease ${reply.fencingToken} got ${reply.reply} to ${reply.verb} after a decision about it`;
    return violationOf('stale owner', history.key, why, [decision, reply]);
  }
  return null;
}

/** The recorded outcome is that of an owner that completed after another caller had been granted the key. */
function recordedByStaleOwner(history: KeyHistory): Violation | null {
  for (const reply of history.events) {
    if (reply.kind !== 'store_reply' || reply.completedBy === undefined || reply.completedAt === undefined) continue;
    const newer = newerGrant(history, reply, reply.completedBy, reply.completedAt);
    if (newer === undefined) continue;
    const why = `lease ${reply.completedBy} was completed at ${reply.completedAt}, after ${newer.fencingToken} was granted`;
    return violationOf('stale owner', history.key, why, [newer, reply]);
  }
  return null;
}

function newerGrant(
  history: KeyHistory,
  reply: StoreReplied,
  fencingToken: number,
  time: number,
): LeaseReply | undefined {
  return grantReplies(history).find(
    (grant) => grant.fencingToken > fencingToken && grant.now < time && inSameDataPeriod(history, grant, reply),
  );
}
