// @onceguard/opentelemetry: a span around every execution, links from replays to the original, and metrics.
import { ConfigurationError, provideTraceparent } from '@onceguard/core';
import { type MeterProvider, metrics, type TracerProvider, trace } from '@opentelemetry/api';
import { recordMetrics } from './record-metrics.js';
import { activeTraceparent, traceExecutions } from './trace-executions.js';

export interface InstrumentationOptions {
  /** Default: the provider that is registered globally. */
  readonly tracerProvider?: TracerProvider;
  /** Default: the provider that is registered globally. */
  readonly meterProvider?: MeterProvider;
}

/** The name and version under which a backend shows where spans and metrics come from. */
const scope = ['@onceguard/opentelemetry'] as const;

/**
 * Makes spans and metrics of everything that onceguard does in this process, in whatever framework. Call it once, after the SDK has been
 * started and before the first request.
 *
 * - A span `idempotency <operation>` around each call under a key. The handler's spans and those of the store's client are inside it.
 *   The span of a replay links to the span of the attempt that executed, in whatever process that ran.
 * - Records keep the trace of the attempt (`provideTraceparent`).
 * - The metrics that `docs/operations.md` lists. `idempotency.doubts` needs `watchDoubts`.
 *
 * No attribute is ever a key. Throws a `ConfigurationError` for options that are not valid.
 *
 * @returns a function that stops all of this
 *
 * @example
 * const stop = instrumentIdempotency();
 */
export function instrumentIdempotency(options: InstrumentationOptions = {}): () => void {
  checkOptions(options);
  const { tracerProvider = trace.getTracerProvider(), meterProvider = metrics.getMeterProvider() } = options;
  const stops = [
    traceExecutions(tracerProvider.getTracer(...scope)),
    provideTraceparent(activeTraceparent),
    recordMetrics(meterProvider.getMeter(...scope)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const providerMethods = { tracerProvider: 'getTracer', meterProvider: 'getMeter' } as const;

function checkOptions(options: InstrumentationOptions): void {
  for (const [name, value] of Object.entries(options)) {
    const method = Object.hasOwn(providerMethods, name) ? providerMethods[name as keyof typeof providerMethods] : null;
    if (method === null) {
      const known = Object.keys(providerMethods).join(' and ');
      throw invalid(`instrumentIdempotency() has no option ${name}; it takes ${known}.`);
    }
    if (value !== undefined && typeof value?.[method] !== 'function')
      throw invalid(`${name} is of type ${typeof value}; it must be a provider of OpenTelemetry with ${method}().`);
  }
}

function invalid(message: string): ConfigurationError {
  return new ConfigurationError('option_invalid', message);
}
