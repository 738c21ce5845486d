// An operation runs once, and once more for each execution that was released or abandoned, and for each loss of data.
import type { OperationBegan } from '../history.js';
import {
  completionReply,
  grantReplies,
  type KeyHistory,
  type LeaseReply,
  leaseEndReplies,
  releaseSent,
  type Violation,
  violationOf,
} from '../key-history.js';

/**
 * Each execution after the first is explained by the one before it. That bounds their number: at most one, and one for
 * each that was released, abandoned, or lost with the store's data.
 */
export function executions(story: KeyHistory): Violation | null {
  const run = runsOf(story);
  for (const [index, next] of run.entries()) {
    const before = run[index - 1];
    if (before === undefined || isExplainedBy(story, before.grant, next.grant)) continue;
    const proof = [
      before.grant,
      before.began,
      completionReply(story, before.grant),
      ...leaseEndsOf(story, before.grant),
    ];
    const why = `it ran under lease ${next.grant.fencingToken}, although ${before.grant.fencingToken} was neither given back nor over`;
    return violationOf('executions', story.key, why, [...proof, next.grant, next.began]);
  }
  return leaseRunTwice(story, run) ?? runWithoutLease(story, run);
}

interface ExecutionRun {
  readonly grant: LeaseReply;
  readonly began: OperationBegan;
}

function runsOf(story: KeyHistory): ExecutionRun[] {
  const begun = story.events.filter((event): event is OperationBegan => event.kind === 'began');
  return grantReplies(story).flatMap((grant) => {
    return begun.filter(({ fencingToken }) => fencingToken === grant.fencingToken).map((began) => ({ grant, began }));
  });
}

function isExplainedBy(story: KeyHistory, before: LeaseReply, next: LeaseReply): boolean {
  if (before.fencingToken === next.fencingToken) return true;
  if (story.dataLosses.some((lostAt) => before.now < lostAt && lostAt < next.now)) return true;
  const released = releaseSent(story, before);
  if (released !== undefined && released.at <= next.now) return true;
  const completion = completionReply(story, before);
  if (completion !== undefined && completion.now < next.now) return false;
  return leaseEndsOf(story, before).every(({ leaseEndAt, now }) => leaseEndAt <= next.now || now > next.now);
}

function leaseEndsOf(story: KeyHistory, lease: LeaseReply) {
  return leaseEndReplies(story).filter(({ fencingToken }) => fencingToken === lease.fencingToken);
}

/** One lease is one execution. */
function leaseRunTwice(story: KeyHistory, run: readonly ExecutionRun[]): Violation | null {
  for (const [index, { grant, began }] of run.entries()) {
    const again = run.slice(index + 1).find((other) => other.grant.fencingToken === grant.fencingToken);
    if (again === undefined) continue;
    return violationOf('executions', story.key, `it ran twice under lease ${grant.fencingToken}`, [
      grant,
      began,
      again.began,
    ]);
  }
  return null;
}

function runWithoutLease(story: KeyHistory, run: readonly ExecutionRun[]): Violation | null {
  const leased = new Set(run.map(({ began }) => began));
  const found = story.events.find((event) => event.kind === 'began' && !leased.has(event));
  return found === undefined ? null : violationOf('executions', story.key, 'it ran without a lease', [found]);
}
