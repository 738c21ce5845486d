// Invariant: an operation runs once, and once more for each execution that was released, abandoned, or lost with data.
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
 * The execution before explains each execution after the first: it was released, abandoned, or lost with the store's data. That bounds the
 * number of executions.
 */
export function executions(history: KeyHistory): Violation | null {
  const run = runsOf(history);
  for (const [index, next] of run.entries()) {
    const before = run[index - 1];
    if (before === undefined || isExplainedBy(history, before.grant, next.grant)) continue;
    const proof = [
      before.grant,
      before.began,
      completionReply(history, before.grant),
      ...leaseEndsOf(history, before.grant),
    ];
    const why = `it ran under lease ${next.grant.fencingToken}, although ${before.grant.fencingToken} was neither released nor expired`;
    return violationOf('executions', history.key, why, [...proof, next.grant, next.began]);
  }
  return leaseRunTwice(history, run) ?? runWithoutLease(history, run);
}

interface ExecutionRun {
  readonly grant: LeaseReply;
  readonly began: OperationBegan;
}

function runsOf(history: KeyHistory): ExecutionRun[] {
  const begun = history.events.filter((event): event is OperationBegan => event.kind === 'began');
  return grantReplies(history).flatMap((grant) => {
    return begun.filter(({ fencingToken }) => fencingToken === grant.fencingToken).map((began) => ({ grant, began }));
  });
}

function isExplainedBy(history: KeyHistory, before: LeaseReply, next: LeaseReply): boolean {
  if (before.fencingToken === next.fencingToken) return true;
  if (history.dataLosses.some((lostAt) => before.now < lostAt && lostAt < next.now)) return true;
  const released = releaseSent(history, before);
  if (released !== undefined && released.at <= next.now) return true;
  const completion = completionReply(history, before);
  if (completion !== undefined && completion.now < next.now) return false;
  return leaseEndsOf(history, before).every(({ leaseEndAt, now }) => leaseEndAt <= next.now || now > next.now);
}

function leaseEndsOf(history: KeyHistory, lease: LeaseReply) {
  return leaseEndReplies(history).filter(({ fencingToken }) => fencingToken === lease.fencingToken);
}

/** Each lease allows one execution. */
function leaseRunTwice(history: KeyHistory, run: readonly ExecutionRun[]): Violation | null {
  for (const [index, { grant, began }] of run.entries()) {
    const again = run.slice(index + 1).find((other) => other.grant.fencingToken === grant.fencingToken);
    if (again === undefined) continue;
    return violationOf('executions', history.key, `it ran twice under lease ${grant.fencingToken}`, [
      grant,
      began,
      again.began,
    ]);
  }
  return null;
}

function runWithoutLease(history: KeyHistory, run: readonly ExecutionRun[]): Violation | null {
  const leased = new Set(run.map(({ began }) => began));
  const found = history.events.find((event) => event.kind === 'began' && !leased.has(event));
  return found === undefined ? null : violationOf('executions', history.key, 'it ran without a lease', [found]);
}
