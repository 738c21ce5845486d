// What metrics are made of, for every system of metrics: the events and the tracing channels, put together so that each call counts once.
import { StoreError } from './errors.js';
import { type Events, onEvent, type UnnamedSubject } from './events.js';
import { type ExecutionTrace, onExecution, onStoreCall, type StoreTrace } from './tracing-channels.js';

/** The store and the operation that a measurement belongs to. Empty: not known. Neither contains a key. */
export type MetricLabels = {
  readonly store: string;
  readonly operation: string;
};

/** Gets each measurement as it is made. All durations are milliseconds of a monotonic clock. */
export interface MetricsObserver {
  /**
   * A call under a key has ended. `outcome` is that of `ExecutionTrace`; of a request that was refused before its record was known it
   * is the code of the refusal.
   */
  request(labels: MetricLabels & { readonly outcome: string }): void;
  /** A call has begun (1) or ended (-1). */
  inFlight(change: 1 | -1, labels: MetricLabels): void;
  /** An attempt has ended: `outcome` is `executed`, `released` or `outcome_unknown`. */
  attempt(durationMs: number, labels: MetricLabels & { readonly outcome: string }): void;
  /** A caller has waited for another attempt. `outcome` says what it met then, as the event `waited` does. */
  wait(durationMs: number, labels: MetricLabels & { readonly outcome: string }): void;
  /** A call of a store has ended. `outcome` is `ok`, or the class of the `StoreError`. */
  storeCall(
    durationMs: number,
    labels: { readonly store: string; readonly verb: string; readonly outcome: string },
  ): void;
  /** Something happened that somebody may want to know. `reason` is the event's cause, kind, class or code; empty where it has none. */
  event(labels: MetricLabels & { readonly event: string; readonly reason: string }): void;
}

/**
 * Calls the observer with every measurement of this process, of every copy of this package. What it throws disturbs no work: Node raises
 * it as an uncaught exception. `@onceguard/opentelemetry` and `@onceguard/prometheus` are observers.
 *
 * @returns a function that stops that. Calls in flight are then no longer counted down
 *
 * @example
 * const stop = observeMetrics({ ...nothing, request: ({ outcome }) => counts.add(outcome) });
 */
export function observeMetrics(observer: MetricsObserver): () => void {
  const stops = [
    observeExecutions(observer),
    observeStoreCalls(observer),
    ...observeEarlyRefusals(observer),
    ...observeDurations(observer),
    ...observeRareEvents(observer),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function observeExecutions(observer: MetricsObserver): () => void {
  return onExecution({
    start: (trace: ExecutionTrace) => observer.inFlight(1, labelsOf(trace)),
    asyncEnd: (trace: ExecutionTrace) => {
      const labels = labelsOf(trace);
      observer.inFlight(-1, labels);
      observer.request({ ...labels, outcome: trace.outcome ?? 'failed' });
    },
  });
}

function observeStoreCalls(observer: MetricsObserver): () => void {
  return onStoreCall({
    start: () => performance.now(),
    asyncEnd: ({ store, verb, error }: StoreTrace, startedAt) => {
      observer.storeCall(performance.now() - startedAt, { store, verb, outcome: outcomeOfCall(error) });
    },
  });
}

function outcomeOfCall(error: unknown): string {
  if (error === undefined) return 'ok';
  return error instanceof StoreError ? error.class : 'unknown';
}

/** Requests that end before there is an execution. Those that end within one are counted as executions. */
function observeEarlyRefusals(observer: MetricsObserver): (() => void)[] {
  const count = (subject: UnnamedSubject, outcome: string) => {
    if (subject.recordName === null) observer.request({ ...labelsOf(subject), outcome });
  };
  return [
    onEvent('rejected', (event) => count(event, event.code)),
    onEvent('misconfigured', (event) => count(event, event.code)),
  ];
}

function observeDurations(observer: MetricsObserver): (() => void)[] {
  const attempt = (outcome: string) => (event: UnnamedSubject & { readonly durationMs: number | null }) => {
    if (event.durationMs !== null) observer.attempt(event.durationMs, { ...labelsOf(event), outcome });
  };
  return [
    onEvent('executed', attempt('executed')),
    onEvent('released', attempt('released')),
    onEvent('outcome_unknown', attempt('outcome_unknown')),
    onEvent('waited', (event) => observer.wait(event.waitedMs, { ...labelsOf(event), outcome: event.standing })),
  ];
}

/** The events that a counter counts, and what each says as its reason. */
const rareEvents: { readonly [Name in RareEvent]: (event: Events[Name]) => string } = {
  outcome_unknown: ({ cause }) => cause,
  decided: ({ as }) => as,
  misconfigured: ({ code }) => code,
  lease_lost: () => '',
  stale_commit: ({ standing }) => standing,
  store_error: (event) => event.class,
  record_lost: ({ restored }) => (restored ? 'restored' : 'not_restored'),
  data_may_be_lost: () => '',
  outcome_unrecorded: () => '',
  outcome_not_kept: () => '',
  recorded_late: ({ kind }) => kind,
  transaction_failed: ({ code }) => code,
  bypassed: () => '',
  send_failed: () => '',
};

type RareEvent =
  | 'outcome_unknown'
  | 'decided'
  | 'misconfigured'
  | 'lease_lost'
  | 'stale_commit'
  | 'store_error'
  | 'record_lost'
  | 'data_may_be_lost'
  | 'outcome_unrecorded'
  | 'outcome_not_kept'
  | 'recorded_late'
  | 'transaction_failed'
  | 'bypassed'
  | 'send_failed';

function observeRareEvents(observer: MetricsObserver): (() => void)[] {
  return Object.keys(rareEvents).map((name) => observeEvent(observer, name as RareEvent));
}

function observeEvent<Name extends RareEvent>(observer: MetricsObserver, name: Name): () => void {
  return onEvent(name, (event) => observer.event({ ...labelsOf(event), event: name, reason: rareEvents[name](event) }));
}

function labelsOf(subject: { readonly store: string; readonly operation?: string | null }): MetricLabels {
  return { store: subject.store, operation: subject.operation ?? '' };
}
