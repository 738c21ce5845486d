// What the histories say of one key, as the invariants ask for it: who was granted what, and until when it certainly held.
import type { HistoryEvent, KeyEvent, ProcessEvent, Told } from './history.js';

export interface Story {
  readonly key: string;
  /** In order of time. */
  readonly events: readonly KeyEvent[];
  /** When the store lost data, in order: each begins another life of it. */
  readonly losses: readonly number[];
  /** The processes that ended as they should, so that nothing of theirs may be left open. */
  readonly ended: readonly ProcessEvent[];
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
export type Invariant = (story: Story) => Violation | null;

/** The invariant, broken: its events are put in order, and none is told twice. */
export function broken(
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
export function lifeAt(story: Story, time: number): { readonly from: number; readonly until: number } {
  const from = Math.max(Number.NEGATIVE_INFINITY, ...story.losses.filter((lostAt) => lostAt < time));
  const until = Math.min(Number.POSITIVE_INFINITY, ...story.losses.filter((lostAt) => lostAt >= time));
  return { from, until };
}

export function inOneLife(story: Story, one: Told, other: Told): boolean {
  return lifeAt(story, one.now).from === lifeAt(story, other.now).from;
}

/** An answer that names the lease it is about. */
export type Owned = Told & { readonly fence: number };

function isOwned(event: KeyEvent): event is Owned {
  return event.kind === 'told' && event.fence !== undefined;
}

/** Answers that changed something for their owner, or confirmed that it had been changed. */
export function accepted(story: Story): Owned[] {
  const verbs = new Set(['renew', 'checkpoint', 'complete', 'release']);
  return story.events.filter(isOwned).filter(({ verb, answer }) => verbs.has(verb) && isAccepted(answer));
}

export function isAccepted(answer: string): boolean {
  return answer === 'ok' || answer === 'restored';
}

/** The first answer that granted each lease, in order of the store's time. A lease is named by its fencing token. */
export function grants(story: Story): Owned[] {
  const first = new Map<string, Owned>();
  for (const event of story.events) {
    if (!isOwned(event) || event.verb !== 'acquire' || event.answer !== 'acquired') continue;
    const name = `${event.fence} ${event.token}`;
    if (!first.has(name)) first.set(name, event);
  }
  return [...first.values()];
}

/** An answer that told an owner how long its lease lasts. */
export type LeaseEndTold = Owned & { readonly leaseEndAt: number };

export function leaseEndsTold(story: Story): LeaseEndTold[] {
  return story.events.filter(isOwned).filter((told): told is LeaseEndTold => told.leaseEndAt !== undefined);
}

/** The first time that the owner of a lease asked to give it back. */
export function releaseAsked(story: Story, lease: Owned): KeyEvent | undefined {
  return story.events.find(
    (event) =>
      event.kind === 'asked' &&
      event.verb === 'release' &&
      (event.token === lease.token || (event.fence !== undefined && event.fence === lease.fence)),
  );
}

/** The first answer by which a lease's outcome was recorded in the life of the store that `lease` was told in. */
export function completionOf(story: Story, lease: Owned): Owned | undefined {
  return accepted(story).find(
    (told) => told.verb === 'complete' && told.fence === lease.fence && inOneLife(story, told, lease),
  );
}

export function groupedBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
