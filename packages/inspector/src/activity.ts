// What the events of this process say: requests by outcome and operation, work in flight, and what went wrong last.
import { subscribe } from 'node:diagnostics_channel';
import { eventChannelPrefix, type IdempotencyStore, readStoreGauges } from '@onceguard/core';
import { ActivitySeries, type OutcomeName } from './activity-series.js';
import type { ActivitySnapshot, InFlight } from './api-types.js';
import { describeProblem, problemEvents } from './problems.js';

/** The members that events have, as far as they are counted. */
interface CountedEvent {
  readonly store?: string;
  readonly recordName?: string | null;
  readonly operation?: string | null;
  readonly attempt?: number;
  readonly code?: string;
  readonly durationMs?: number | null;
}

const maxOperations = 100;
const maxInFlight = 10_000;
const maxShown = 50;
const maxProblems = 20;

const outcomeOfEvent: Readonly<Record<string, OutcomeName>> = {
  executed: 'executed',
  replayed: 'replayed',
  rejected: 'rejected',
  released: 'released',
  outcome_unknown: 'unknown',
};

/** Events after which an attempt of this process is no longer in flight. */
const endings = new Set([
  'executed',
  'released',
  'outcome_unknown',
  'lease_lost',
  'stale_commit',
  'outcome_unrecorded',
]);

const listened = new Set(['acquired', ...Object.keys(outcomeOfEvent), ...endings, ...problemEvents]);

const activities = new WeakMap<IdempotencyStore, Activity>();

export class Activity {
  readonly #storeName: string;
  readonly #since = Date.now();
  readonly #operations = new Map<string, Record<OutcomeName, number>>();
  readonly #series = new ActivitySeries();
  readonly #inFlight = new Map<string, InFlight>();
  readonly #problems: ActivitySnapshot['problems'][number][] = [];

  private constructor(storeName: string) {
    this.#storeName = storeName;
  }

  /** The activity of a store in this process. It counts from the first call on, for as long as the process lives. */
  static of(store: IdempotencyStore): Activity {
    const known = activities.get(store);
    if (known !== undefined) return known;
    const activity = new Activity(store.name);
    activities.set(store, activity);
    for (const name of listened) {
      subscribe(eventChannelPrefix + name, (message) => {
        const event = message as CountedEvent;
        if (event.store === undefined || event.store === store.name) activity.#observe(name, event);
      });
    }
    return activity;
  }

  snapshot(now = Date.now()): ActivitySnapshot {
    const operations = [...this.#operations].map(([operation, counts]) => ({ operation, counts: { ...counts } }));
    const inFlight = [...this.#inFlight.values()];
    return {
      since: this.#since,
      operations: operations.sort((a, b) => a.operation.localeCompare(b.operation)),
      series: this.#series.points(now),
      pointMs: ActivitySeries.pointMs,
      inFlight: inFlight.slice(0, maxShown),
      inFlightCount: inFlight.length,
      pendingResults: readStoreGauges().find(({ store }) => store === this.#storeName)?.pendingResults ?? 0,
      problems: [...this.#problems].reverse(),
    };
  }

  #observe(name: string, event: CountedEvent): void {
    const now = Date.now();
    const { recordName = null } = event;
    const outcome = outcomeOfEvent[name];
    if (outcome !== undefined) this.#count(outcome, event, now);
    if (recordName !== null) this.#followRecord(name, recordName, event, now);
    const problem = describeProblem(name, event, now);
    if (problem === null) return;
    this.#problems.push(problem);
    if (this.#problems.length > maxProblems) this.#problems.shift();
  }

  #count(outcome: OutcomeName, { operation }: CountedEvent, now: number): void {
    const known = operation ?? '';
    const name = this.#operations.has(known) || this.#operations.size < maxOperations ? known : 'others';
    const counts = this.#operations.get(name) ?? { executed: 0, replayed: 0, rejected: 0, released: 0, unknown: 0 };
    counts[outcome] += 1;
    this.#operations.set(name, counts);
    this.#series.add(outcome, now);
  }

  #followRecord(name: string, recordName: string, { operation, attempt = 1 }: CountedEvent, now: number): void {
    if (name === 'acquired' && this.#inFlight.size < maxInFlight) {
      this.#inFlight.set(recordName, { recordName, operation: operation ?? '', attempt, since: now });
    }
    // An owner that was overtaken ends nothing of the attempt after it.
    if (endings.has(name) && (this.#inFlight.get(recordName)?.attempt ?? 0) <= attempt)
      this.#inFlight.delete(recordName);
  }
}
