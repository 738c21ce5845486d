// What the histories say of one key, as the invariants storeCallId for it: who was granted what, and until when it certainly held.
import type { HistoryEvent, KeyEvent, ProcessEvent, StoreReplied } from './history.js';

export interface KeyHistory {
  readonly key: string;
  /** In order of time. */
  readonly events: readonly KeyEvent[];
  /** When the store lost data, in order: each begins another life of it. */
  readonly dataLosses: readonly number[];
  /** The processes that ended as they should, so that nothing of theirs may be left open. */
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

/** What went wrong, and the events that show it: they break the same invariant by themselves. */
export interface Violation {
  readonly invariant: InvariantName;
  readonly key: string | null;
  readonly why: string;
  readonly history: readonly HistoryEvent[];
}

/** One invariant of one key: the first violation, if any. */
export type Invariant = (story: KeyHistory) => Violation | null;

/** The invariant, broken: its events are put in order, and none is told twice. */
export function violationOf(
  invariant: InvariantName,
  key: string | null,
  why: string,
  events: readonly (HistoryEvent | undefined)[],
): Violation {
  const shown = new Set(events.filter((event) => event !== undefined));
  return { invariant, key, why, history: [...shown].sort(byTime) };
}

/** When it happened: at the store, where the store said so. */
export function timeOf(event: HistoryEvent): number {
  return event.kind === 'told' ? event.now : event.at;
}

export function byTime(one: HistoryEvent, other: HistoryEvent): number {
  return timeOf(one) - timeOf(other);
}

/** The life of the store at a time: when it began and when it will have ended. */
export function dataPeriodAt(story: KeyHistory, time: number): { readonly from: number; readonly until: number } {
  const from = Math.max(Number.NEGATIVE_INFINITY, ...story.dataLosses.filter((lostAt) => lostAt < time));
  const until = Math.min(Number.POSITIVE_INFINITY, ...story.dataLosses.filter((lostAt) => lostAt >= time));
  return { from, until };
}

export function inSameDataPeriod(story: KeyHistory, one: StoreReplied, other: StoreReplied): boolean {
  return dataPeriodAt(story, one.now).from === dataPeriodAt(story, other.now).from;
}

/** An answer that names the lease it is about. */
export type LeaseReply = StoreReplied & { readonly fencingToken: number };

function isLeaseReply(event: KeyEvent): event is LeaseReply {
  return event.kind === 'told' && event.fencingToken !== undefined;
}

/** Answers that changed something for their owner, or confirmed that it had been changed. */
export function acceptedReplies(story: KeyHistory): LeaseReply[] {
  const verbs = new Set(['renew', 'checkpoint', 'complete', 'release']);
  return story.events.filter(isLeaseReply).filter(({ verb, reply }) => verbs.has(verb) && isAcceptedReply(reply));
}

export function isAcceptedReply(answer: string): boolean {
  return answer === 'ok' || answer === 'restored';
}

/** The first answer that granted each lease, in order of the store's time. A lease is named by its fencing token. */
export function grantReplies(story: KeyHistory): LeaseReply[] {
  const first = new Map<string, LeaseReply>();
  for (const event of story.events) {
    if (!isLeaseReply(event) || event.verb !== 'acquire' || event.reply !== 'acquired') continue;
    const name = `${event.fencingToken} ${event.ownerToken}`;
    if (!first.has(name)) first.set(name, event);
  }
  return [...first.values()];
}

/** An answer that told an owner how long its lease lasts. */
export type LeaseEndReply = LeaseReply & { readonly leaseEndAt: number };

export function leaseEndReplies(story: KeyHistory): LeaseEndReply[] {
  return story.events.filter(isLeaseReply).filter((told): told is LeaseEndReply => told.leaseEndAt !== undefined);
}

/** The first time that the owner of a lease asked to give it back. */
export function releaseSent(story: KeyHistory, lease: LeaseReply): KeyEvent | undefined {
  return story.events.find(
    (event) =>
      event.kind === 'asked' &&
      event.verb === 'release' &&
      (event.ownerToken === lease.ownerToken ||
        (event.fencingToken !== undefined && event.fencingToken === lease.fencingToken)),
  );
}

/** The first answer by which a lease's outcome was recorded in the life of the store that `lease` was told in. */
export function completionReply(story: KeyHistory, lease: LeaseReply): LeaseReply | undefined {
  return acceptedReplies(story).find(
    (told) =>
      told.verb === 'complete' && told.fencingToken === lease.fencingToken && inSameDataPeriod(story, told, lease),
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
