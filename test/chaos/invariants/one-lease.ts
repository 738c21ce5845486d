// Invariant: a key has at most one lease at any store time, and its owner is not told otherwise.
import type { StoreReplied } from '../history.js';
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

/** An interval in which a lease was certainly alive, and the replies that prove it. */
interface LeaseInterval {
  readonly fencingToken: number;
  readonly from: number;
  readonly until: number;
  readonly replies: readonly LeaseReply[];
}

export function oneLease(history: KeyHistory): Violation | null {
  const held = leaseIntervals(history);
  return overlapping(history, held) ?? contradicted(history, held);
}

function overlapping(history: KeyHistory, held: readonly LeaseInterval[]): Violation | null {
  for (const [index, lease] of held.entries()) {
    const other = held
      .slice(index + 1)
      .find((later) => later.fencingToken !== lease.fencingToken && later.from < lease.until);
    if (other === undefined) continue;
    const why = `lease ${lease.fencingToken} was alive until ${lease.until}, and ${other.fencingToken} was granted at ${other.from}`;
    return violationOf('one lease', history.key, why, [...lease.replies, other.replies[0]]);
  }
  return null;
}

/** No other lease is known, but the owner got the reply that it has none before its lease ended. */
function contradicted(history: KeyHistory, held: readonly LeaseInterval[]): Violation | null {
  for (const { fencingToken, from, until, replies } of held) {
    const refusal = history.events.find(
      (event): event is StoreReplied =>
        event.kind === 'store_reply' &&
        event.fencingToken === fencingToken &&
        (event.reply === 'lost' || event.reply === 'gone') &&
        from <= event.now &&
        event.now < until,
    );
    if (refusal === undefined) continue;
    const why = `the owner of lease ${fencingToken} got ${refusal.reply} before its lease ended at ${until}`;
    return violationOf('one lease', history.key, why, [...replies, refusal]);
  }
  return null;
}

/**
 * Intervals per data period: from the first reply that confirms a lease until its latest known end, or until its owner released or
 * completed it.
 */
function leaseIntervals(history: KeyHistory): LeaseInterval[] {
  const leases = groupBy(
    leaseEndReplies(history),
    ({ now, fencingToken }) => `${dataPeriodAt(history, now).from} ${fencingToken}`,
  );
  return [...leases.values()]
    .flatMap((replies) => intervalsOfLease(history, replies))
    .sort((left, right) => left.from - right.from);
}

function intervalsOfLease(history: KeyHistory, replies: readonly LeaseEndReply[]): LeaseInterval[] {
  const [first] = replies;
  if (first === undefined) return [];
  const longest = replies.reduce((latest, next) => (next.leaseEndAt > latest.leaseEndAt ? next : latest));
  const ends = [releaseSent(history, first)?.at, completionReply(history, first)?.now].filter(
    (time) => time !== undefined,
  );
  const until = Math.min(longest.leaseEndAt, dataPeriodAt(history, first.now).until, ...ends);
  return [{ fencingToken: first.fencingToken, from: first.now, until, replies: [first, longest] }];
}
