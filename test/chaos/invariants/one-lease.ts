// At most one lease per key at any time of the store, and whoever holds one is not told otherwise.
import {
  completionReply,
  dataPeriodAt,
  groupBy,
  type KeyHistory,
  type LeaseEndReply,
  type LeaseReply,
  leaseEndReplies,
  releaseSent,
  type Violation,
  violationOf,
} from '../key-history.js';

/** A time over which a lease was certainly alive, and the answers that say so. */
interface LeaseInterval {
  readonly fencingToken: number;
  readonly from: number;
  readonly until: number;
  readonly replies: readonly LeaseReply[];
}

export function oneLease(story: KeyHistory): Violation | null {
  const held = leaseIntervals(story);
  return overlapping(story, held) ?? contradicted(story, held);
}

function overlapping(story: KeyHistory, held: readonly LeaseInterval[]): Violation | null {
  for (const [index, one] of held.entries()) {
    const other = held
      .slice(index + 1)
      .find((later) => later.fencingToken !== one.fencingToken && later.from < one.until);
    if (other === undefined) continue;
    const why = `lease ${one.fencingToken} was alive until ${one.until}, and ${other.fencingToken} was granted at ${other.from}`;
    return violationOf('one lease', story.key, why, [...one.replies, other.replies[0]]);
  }
  return null;
}

/** Nobody else is known to have got it, but its owner was told before its end that it has none. */
function contradicted(story: KeyHistory, held: readonly LeaseInterval[]): Violation | null {
  for (const { fencingToken, from, until, replies } of held) {
    const refusal = story.events.find(
      (event) =>
        event.kind === 'told' &&
        event.fencingToken === fencingToken &&
        (event.reply === 'lost' || event.reply === 'gone') &&
        from <= event.now &&
        event.now < until,
    );
    if (refusal === undefined) continue;
    const why = `the owner of lease ${fencingToken} was told before its end at ${until} that it is not its own`;
    return violationOf('one lease', story.key, why, [...replies, refusal]);
  }
  return null;
}

/** Per life of the store: from the first answer that affirms a lease to the latest end told, or until its owner let go. */
function leaseIntervals(story: KeyHistory): LeaseInterval[] {
  const leases = groupBy(
    leaseEndReplies(story),
    ({ now, fencingToken }) => `${dataPeriodAt(story, now).from} ${fencingToken}`,
  );
  return [...leases.values()]
    .flatMap((told) => intervalsOfLease(story, told))
    .sort((one, other) => one.from - other.from);
}

function intervalsOfLease(story: KeyHistory, told: readonly LeaseEndReply[]): LeaseInterval[] {
  const [first] = told;
  if (first === undefined) return [];
  const longest = told.reduce((most, next) => (next.leaseEndAt > most.leaseEndAt ? next : most));
  const letGo = [releaseSent(story, first)?.at, completionReply(story, first)?.now].filter(
    (time) => time !== undefined,
  );
  const until = Math.min(longest.leaseEndAt, dataPeriodAt(story, first.now).until, ...letGo);
  return [{ fencingToken: first.fencingToken, from: first.now, until, replies: [first, longest] }];
}
