// At most one lease per key at any time of the store, and whoever holds one is not told otherwise.
import {
  broken,
  completionOf,
  groupedBy,
  type LeaseEndTold,
  leaseEndsTold,
  lifeAt,
  type Owned,
  releaseAsked,
  type Story,
  type Violation,
} from '../story.js';

/** A time over which a lease was certainly alive, and the answers that say so. */
interface Held {
  readonly fence: number;
  readonly from: number;
  readonly until: number;
  readonly proof: readonly Owned[];
}

export function oneLease(story: Story): Violation | null {
  const held = heldLeases(story);
  return overlapping(story, held) ?? taken(story, held);
}

function overlapping(story: Story, held: readonly Held[]): Violation | null {
  for (const [index, one] of held.entries()) {
    const other = held.slice(index + 1).find((later) => later.fence !== one.fence && later.from < one.until);
    if (other === undefined) continue;
    const why = `lease ${one.fence} was alive until ${one.until}, and ${other.fence} was granted at ${other.from}`;
    return broken('one lease', story.key, why, [...one.proof, other.proof[0]]);
  }
  return null;
}

/** Nobody else is known to have got it, but its owner was told before its end that it has none. */
function taken(story: Story, held: readonly Held[]): Violation | null {
  for (const { fence, from, until, proof } of held) {
    const refusal = story.events.find(
      (event) =>
        event.kind === 'told' &&
        event.fence === fence &&
        (event.answer === 'lost' || event.answer === 'gone') &&
        from <= event.now &&
        event.now < until,
    );
    if (refusal === undefined) continue;
    const why = `the owner of lease ${fence} was told before its end at ${until} that it is not its own`;
    return broken('one lease', story.key, why, [...proof, refusal]);
  }
  return null;
}

/** Per life of the store: from the first answer that affirms a lease to the latest end told, or until its owner let go. */
function heldLeases(story: Story): Held[] {
  const leases = groupedBy(leaseEndsTold(story), ({ now, fence }) => `${lifeAt(story, now).from} ${fence}`);
  return [...leases.values()].flatMap((told) => heldLease(story, told)).sort((one, other) => one.from - other.from);
}

function heldLease(story: Story, told: readonly LeaseEndTold[]): Held[] {
  const [first] = told;
  if (first === undefined) return [];
  const longest = told.reduce((most, next) => (next.leaseEndAt > most.leaseEndAt ? next : most));
  const letGo = [releaseAsked(story, first)?.at, completionOf(story, first)?.now].filter((time) => time !== undefined);
  const until = Math.min(longest.leaseEndAt, lifeAt(story, first.now).until, ...letGo);
  return [{ fence: first.fence, from: first.now, until, proof: [first, longest] }];
}
