// An execution as tracers see it: the message of `onceguard:execution`, filled in while the execution goes on.
import { IdempotencyError } from '../errors.js';
import { type ExecutionOutcome, type ExecutionTrace, executionChannel, traceCall } from '../tracing-channels.js';
import type { ExecutionRequest } from './execution.js';
import { currentTraceparent } from './work-description.js';

/** Calls `execute` with the request. Where tracers subscribe, the record gets the trace that is active within their context. */
export function traceExecution<Result>(
  request: ExecutionRequest,
  execute: (request: ExecutionRequest) => Promise<Result>,
): Promise<Result> {
  if (!executionChannel.hasSubscribers) return execute(request);
  const { recordName, operation } = request;
  const trace: ExecutionTrace = {
    store: request.store.name,
    recordName,
    operation,
    outcome: null,
    attempt: null,
    originalTraceparent: null,
  };
  const call = () => execute({ ...request, traceparent: currentTraceparent(request.traceparent ?? undefined), trace });
  return traceCall(executionChannel, trace, call, (error) => {
    trace.outcome ??= error instanceof IdempotencyError ? error.code : 'failed';
  });
}

/** Says what the execution has come to. A later statement replaces an earlier one. */
export function noteOutcome({ trace }: ExecutionRequest, outcome: ExecutionOutcome | null): void {
  if (trace !== undefined) trace.outcome = outcome;
}
