// One span for each execution, active while it goes on.
import { type ExecutionTrace, onExecution } from '@onceguard/core';
import { context, type Span, type SpanContext, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';

/** Opens and closes the spans. Returns a function that stops that; spans that are open then are closed by nobody. */
export function traceExecutions(tracer: Tracer): () => void {
  return onExecution({
    start: (execution) => {
      const span = tracer.startSpan(`idempotency ${execution.operation}`, {
        attributes: { 'idempotency.store': execution.store, 'idempotency.record': execution.recordName },
      });
      const active = trace.setSpan(context.active(), span);
      execution.runInContext = (call) => context.with(active, call);
      return span;
    },
    asyncEnd: (execution, span) => endSpan(span, execution),
  });
}

function endSpan(span: Span, { outcome, attempt, originalTraceparent, error }: ExecutionTrace): void {
  if (outcome !== null) span.setAttribute('idempotency.outcome', outcome);
  if (attempt !== null) span.setAttribute('idempotency.attempt', attempt);
  const original = originalTraceparent === null ? null : parseTraceparent(originalTraceparent);
  if (original !== null) span.addLink({ context: original });
  if (error !== undefined) {
    // Not the message: that of an application's error may be about a customer.
    span.setAttribute('error.type', outcome ?? 'failed');
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** The W3C `traceparent` of the active span, which the record keeps. One that is not valid counts as none: `provideTraceparent` sees to it. */
export function activeTraceparent(): string | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  if (active === undefined) return undefined;
  return `00-${active.traceId}-${active.spanId}-${active.traceFlags.toString(16).padStart(2, '0')}`;
}

function parseTraceparent(traceparent: string): SpanContext | null {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const parsed = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return trace.isSpanContextValid(parsed) ? parsed : null;
}
