// OpenTelemetry around onceguard. Spans are made and ended, and go nowhere: an exporter works beside the requests.
import { instrumentIdempotency } from '@onceguard/opentelemetry';
import { context } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';

/** Returns a function that stops it. */
export function startOpenTelemetry(): () => void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const stop = instrumentIdempotency({ tracerProvider: new BasicTracerProvider(), meterProvider: new MeterProvider() });
  return () => {
    stop();
    context.disable();
  };
}
