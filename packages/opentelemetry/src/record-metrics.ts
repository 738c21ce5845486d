// The metrics of docs/operations.md, with the instruments of OpenTelemetry.
import { type MetricsObserver, observeMetrics, readStoreGauges, type StoreGauges } from '@onceguard/core';
import type { Meter, ObservableResult } from '@opentelemetry/api';

/** In seconds: the boundaries that OpenTelemetry's conventions advise for durations. */
const boundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

export function recordMetrics(meter: Meter): () => void {
  const stopObserving = observeMetrics(createObserver(meter));
  const stopGauges = [
    observeGauge(meter, 'idempotency.pending_results', '{result}', pendingDescription, (store) => store.pendingResults),
    observeGauge(meter, 'idempotency.doubts', '{record}', doubtsDescription, (store) => store.doubts),
  ];
  return () => {
    stopObserving();
    for (const stop of stopGauges) stop();
  };
}

const pendingDescription = 'Outcomes that wait in this process for the store. They are lost if it ends.';
const doubtsDescription = 'Records that need a decision, as the last look of watchDoubts found them.';

function createObserver(meter: Meter): MetricsObserver {
  const requests = meter.createCounter('idempotency.requests', {
    unit: '{request}',
    description: 'Calls under an idempotency key that have ended, by outcome.',
  });
  const inFlight = meter.createUpDownCounter('idempotency.in_flight', {
    unit: '{request}',
    description: 'Calls under an idempotency key that have not ended, those that wait included.',
  });
  const events = meter.createCounter('idempotency.events', {
    unit: '{event}',
    description: 'Events that somebody may want to know, by name and reason.',
  });
  const duration = (name: string, description: string) =>
    meter.createHistogram(name, { unit: 's', description, advice: { explicitBucketBoundaries: boundaries } });
  const executions = duration('idempotency.execution.duration', 'How long attempts took, from lease to outcome.');
  const waits = duration('idempotency.wait.duration', 'How long callers waited for another attempt.');
  const storeCalls = duration('idempotency.store.duration', 'How long calls of the store took.');
  return {
    request: (labels) => requests.add(1, labels),
    inFlight: (change, labels) => inFlight.add(change, labels),
    attempt: (ms, labels) => executions.record(ms / 1_000, labels),
    wait: (ms, labels) => waits.record(ms / 1_000, labels),
    storeCall: (ms, labels) => storeCalls.record(ms / 1_000, labels),
    event: (labels) => events.add(1, labels),
  };
}

/** A gauge of each store. Where `read` gives null, the store has none. */
function observeGauge(
  meter: Meter,
  name: string,
  unit: string,
  description: string,
  read: (gauges: StoreGauges) => number | null,
): () => void {
  const gauge = meter.createObservableGauge(name, { unit, description });
  const observe = (result: ObservableResult) => {
    for (const gauges of readStoreGauges()) {
      const value = read(gauges);
      if (value !== null) result.observe(value, { store: gauges.store });
    }
  };
  gauge.addCallback(observe);
  return () => gauge.removeCallback(observe);
}
