// The history of one key, and queries that the invariants share: grants, leases, releases and completions.
import type { HistoryEvent, KeyEvent, ProcessEvent, StoreReplied } from './history.js';

export interface KeyHistory {
  readonly key: string;
  /** Ordered by time. */
  readonly events: readonly KeyEvent[];
  /** When the store lost data, in order. Each loss begins a new data period. */
  readonly dataLosses: readonly number[];
  /** The processes that ended as planned, so that none of their calls may be unfinished. */
  readonly endedProcesses: readonly ProcessEvent[];
}

export type InvariantName =
  | 'one lease'
  | 'replays'
  | 'stale owner'
  | 'fencing tokens'
  | 'executions'
  | 'guarded work'
  | 'nothing hangs'
  | 'no unhandled rejection'
  | 'ttl';

/** A broken invariant, and events that are enough to show it. */
export interface Violation {
  readonly invariant: InvariantName;
  readonly key: string | null;
  readonly why: string;
  readonly history: readonly HistoryEvent[];
}

/** Checks one invariant of one key, and returns the first violation, if any. */
export type Invariant = (history: KeyHistory) => Violation | null;

/** Builds a violation. It sorts the events and removes duplicates. */
export function violationOf(
  invariant: InvariantName,
  key: string | null,
  why: string,
  events: readonly (HistoryEvent | undefined)[],
): Violation {
  const distinct = new Set(events.filter((event) => event !== undefined));
  return { invariant, key, why, history: [...distinct].sort(byTime) };
}

/** The time of an event; for a reply the store's time. */
export function timeOf(event: HistoryEvent): number {
  return event.kind === 'store_reply' ? event.now : event.at;
}

export function byTime(left: HistoryEvent, right: HistoryEvent): number {
  return timeOf(left) - timeOf(right);
}

/** The data period at this time: when it began and when it ends. */
export function dataPeriodAt(history: KeyHistory, time: number): { readonly from: number; readonly until: number } {
  const from = Math.max(Number.NEGATIVE_INFINITY, ...history.dataLosses.filter((lostAt) => lostAt < time));
  const until = Math.min(Number.POSITIVE_INFINITY, ...history.dataLosses.filter((lostAt) => lostAt >= time));
  return { from, until };
}

export function inSameDataPeriod(history: KeyHistory, left: StoreReplied, right: StoreReplied): boolean {
  return dataPeriodAt(history, left.now).from === dataPeriodAt(history, right.now).from;
}

/** A reply about a lease, which its fencing token names. */
export type LeaseReply = StoreReplied & { readonly fencingToken: number };

function isLeaseReply(event: KeyEvent): event is LeaseReply {
  return event.kind === 'store_reply' && event.fencingToken !== undefined;
}

/** Replies that changed something for their owner, or confirmed an earlier change. */
export function acceptedReplies(history: KeyHistory): LeaseReply[] {
  const verbs = new Set(['renew', 'checkpoint', 'complete', 'release']);
  return history.events.filter(isLeaseReply).filter(({ verb, reply }) => verbs.has(verb) && isAcceptedReply(reply));
}

export function isAcceptedReply(reply: string): boolean {
  return reply === 'ok' || reply === 'restored';
}

/** The first reply that granted each lease, ordered by the store's time. The fencing token names a lease. */
export function grantReplies(history: KeyHistory): LeaseReply[] {
  const first = new Map<string, LeaseReply>();
  for (const event of history.events) {
    if (!isLeaseReply(event) || event.verb !== 'acquire' || event.reply !== 'acquired') continue;
    const name = `${event.fencingToken} ${event.ownerToken}`;
    if (!first.has(name)) first.set(name, event);
  }
  return [...first.values()];
}

/** A reply with the end of a lease. */
export type LeaseEndReply = LeaseReply & { readonly leaseEndAt: number };

export function leaseEndReplies(history: KeyHistory): LeaseEndReply[] {
  return history.events.filter(isLeaseReply).filter((reply): reply is LeaseEndReply => reply.leaseEndAt !== undefined);
}

/** The first release call of the owner of a lease. */
export function releaseSent(history: KeyHistory, lease: LeaseReply): KeyEvent | undefined {
  return history.events.find(
    (event) =>
      event.kind === 'store_call' &&
      event.verb === 'release' &&
      (event.ownerToken === lease.ownerToken ||
        (event.fencingToken !== undefined && event.fencingToken === lease.fencingToken)),
  );
}

/** The first reply that recorded the lease's outcome, in the same data period as `lease`. */
export function completionReply(history: KeyHistory, lease: LeaseReply): LeaseReply | undefined {
  return acceptedReplies(history).find(
    (reply) =>
      reply.verb === 'complete' && reply.fencingToken === lease.fencingToken && inSameDataPeriod(history, reply, lease),
  );
}

export function groupBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
