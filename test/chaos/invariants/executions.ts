// An operation runs once, and once more for each execution that was released or abandoned, and for each loss of data.
import type { Began } from '../history.js';
import {
  broken,
  completionOf,
  grants,
  leaseEndsTold,
  type Owned,
  releaseAsked,
  type Story,
  type Violation,
} from '../story.js';

/**
 * Each execution after the first is explained by the one before it. That bounds their number: at most one, and one for
 * each that was released, abandoned, or lost with the store's data.
 */
export function executions(story: Story): Violation | null {
  const run = executed(story);
  for (const [index, next] of run.entries()) {
    const before = run[index - 1];
    if (before === undefined || mayFollow(story, before.grant, next.grant)) continue;
    const proof = [before.grant, before.began, completionOf(story, before.grant), ...leaseEnds(story, before.grant)];
    const why = `it ran under lease ${next.grant.fence}, although ${before.grant.fence} was neither given back nor over`;
    return broken('executions', story.key, why, [...proof, next.grant, next.began]);
  }
  return twice(story, run) ?? withoutLease(story, run);
}

interface Run {
  readonly grant: Owned;
  readonly began: Began;
}

function executed(story: Story): Run[] {
  const begun = story.events.filter((event): event is Began => event.kind === 'began');
  return grants(story).flatMap((grant) => {
    return begun.filter(({ fence }) => fence === grant.fence).map((began) => ({ grant, began }));
  });
}

function mayFollow(story: Story, before: Owned, next: Owned): boolean {
  if (before.fence === next.fence) return true;
  if (story.losses.some((lostAt) => before.now < lostAt && lostAt < next.now)) return true;
  const released = releaseAsked(story, before);
  if (released !== undefined && released.at <= next.now) return true;
  const completion = completionOf(story, before);
  if (completion !== undefined && completion.now < next.now) return false;
  return leaseEnds(story, before).every(({ leaseEndAt, now }) => leaseEndAt <= next.now || now > next.now);
}

function leaseEnds(story: Story, lease: Owned) {
  return leaseEndsTold(story).filter(({ fence }) => fence === lease.fence);
}

/** One lease is one execution. */
function twice(story: Story, run: readonly Run[]): Violation | null {
  for (const [index, { grant, began }] of run.entries()) {
    const again = run.slice(index + 1).find((other) => other.grant.fence === grant.fence);
    if (again === undefined) continue;
    return broken('executions', story.key, `it ran twice under lease ${grant.fence}`, [grant, began, again.began]);
  }
  return null;
}

function withoutLease(story: Story, run: readonly Run[]): Violation | null {
  const leased = new Set(run.map(({ began }) => began));
  const found = story.events.find((event) => event.kind === 'began' && !leased.has(event));
  return found === undefined ? null : broken('executions', story.key, 'it ran without a lease', [found]);
}
