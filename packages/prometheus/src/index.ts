// @onceguard/prometheus: the metrics of onceguard in a registry of prom-client.
import { ConfigurationError, type MetricsObserver, observeMetrics, readStoreGauges } from '@onceguard/core';
import { Counter, register as defaultRegister, Gauge, Histogram, type Registry } from 'prom-client';

export interface PrometheusOptions {
  /** Where the metrics are registered. Default: the default registry of prom-client. */
  readonly register?: Registry;
}

/** In seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Registers the metrics that `docs/operations.md` lists, and keeps them for everything that onceguard does in this process, in whatever
 * framework. Call it once, before the first request. No label is ever a key. `idempotency_doubts` needs `watchDoubts`.
 *
 * Throws a `ConfigurationError` for options that are not valid, and prom-client's error where the registry has these metrics already.
 *
 * @returns a function that stops that, and removes the metrics from the registry
 *
 * @example
 * registerIdempotencyMetrics();
 * app.get('/metrics', async (_req, res) => res.type(register.contentType).send(await register.metrics()));
 */
export function registerIdempotencyMetrics(options: PrometheusOptions = {}): () => void {
  const { register } = checkOptions(options);
  const created = createMetrics(register);
  const stop = observeMetrics(createObserver(created));
  return () => {
    stop();
    for (const name of metricNames) register.removeSingleMetric(name);
  };
}

const metricNames = [
  'idempotency_requests_total',
  'idempotency_events_total',
  'idempotency_in_flight',
  'idempotency_execution_duration_seconds',
  'idempotency_wait_duration_seconds',
  'idempotency_store_duration_seconds',
  'idempotency_pending_results',
  'idempotency_doubts',
] as const;

function createMetrics(register: Registry) {
  const registers = [register];
  const work = ['store', 'operation'] as const;
  const outcomes = [...work, 'outcome'] as const;
  new Gauge({
    name: 'idempotency_pending_results',
    help: 'Outcomes that wait in this process for the store. They are lost if it ends.',
    labelNames: ['store'],
    registers,
    collect() {
      this.reset();
      for (const { store, pendingResults } of readStoreGauges()) this.set({ store }, pendingResults);
    },
  });
  new Gauge({
    name: 'idempotency_doubts',
    help: 'Records that need a decision, as the last look of watchDoubts found them.',
    labelNames: ['store'],
    registers,
    collect() {
      this.reset();
      for (const { store, doubts } of readStoreGauges()) if (doubts !== null) this.set({ store }, doubts);
    },
  });
  return {
    requests: new Counter({
      name: 'idempotency_requests_total',
      help: 'Calls under an idempotency key that have ended, by outcome.',
      labelNames: outcomes,
      registers,
    }),
    events: new Counter({
      name: 'idempotency_events_total',
      help: 'Events that somebody may want to know, by name and reason.',
      labelNames: [...work, 'event', 'reason'] as const,
      registers,
    }),
    inFlight: new Gauge({
      name: 'idempotency_in_flight',
      help: 'Calls under an idempotency key that have not ended, those that wait included.',
      labelNames: work,
      registers,
    }),
    executions: new Histogram({
      name: 'idempotency_execution_duration_seconds',
      help: 'How long attempts took, from lease to outcome.',
      labelNames: outcomes,
      buckets,
      registers,
    }),
    waits: new Histogram({
      name: 'idempotency_wait_duration_seconds',
      help: 'How long callers waited for another attempt.',
      labelNames: outcomes,
      buckets,
      registers,
    }),
    storeCalls: new Histogram({
      name: 'idempotency_store_duration_seconds',
      help: 'How long calls of the store took.',
      labelNames: ['store', 'verb', 'outcome'] as const,
      buckets,
      registers,
    }),
  };
}

function createObserver(metrics: ReturnType<typeof createMetrics>): MetricsObserver {
  return {
    request: (labels) => metrics.requests.inc({ ...labels }),
    inFlight: (change, labels) => metrics.inFlight.inc({ ...labels }, change),
    attempt: (ms, labels) => metrics.executions.observe({ ...labels }, ms / 1_000),
    wait: (ms, labels) => metrics.waits.observe({ ...labels }, ms / 1_000),
    storeCall: (ms, labels) => metrics.storeCalls.observe({ ...labels }, ms / 1_000),
    event: (labels) => metrics.events.inc({ ...labels }),
  };
}

function checkOptions(options: PrometheusOptions): Required<PrometheusOptions> {
  const { register = defaultRegister, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new ConfigurationError(
      'option_invalid',
      `registerIdempotencyMetrics() has no option ${unknown}; it takes register.`,
    );
  if (typeof register?.registerMetric === 'function') return { register };
  const rule = 'it must be a Registry of prom-client';
  throw new ConfigurationError('option_invalid', `register is of type ${typeof register}; ${rule}.`);
}
