// The tracing channels of this package: around an execution, and around each call of a store. Without a subscriber they cost one test.
import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { ErrorCode } from './errors.js';

/** What a tracer may set on the message of a channel while it handles `start`. */
export interface TracedCall {
  /**
   * Makes the tracer's context the active one while it calls `call`, once and at once. For tracers whose context is no
   * `AsyncLocalStorage` that `bindStore` could take.
   */
  runInContext?: (call: () => void) => void;
  /** What the call rejected with; set before `error` is published. */
  error?: unknown;
}

/**
 * What became of an execution: one of the kinds of `Execution`, the code of the error that ended it, or
 *
 * - `outcome_unrecorded`: it ran, and its result is not on record (yet).
 * - `released`: it ran without leaving an outcome, and its key is free.
 * - `bypassed`: it ran without the store.
 * - `not_started`: the caller had another response before the work began.
 * - `failed`: it ended by an error that is none of onceguard's, before anything ran.
 */
export type ExecutionOutcome =
  | 'executed'
  | 'replayed'
  | 'outcome_unrecorded'
  | 'released'
  | 'bypassed'
  | 'not_started'
  | 'failed'
  | ErrorCode;

/** The message of `onceguard:execution`: one call under a key, from before the store is asked until its outcome is known. */
export interface ExecutionTrace extends TracedCall {
  readonly store: string;
  readonly recordName: string;
  readonly operation: string;
  /** Set before `asyncEnd`. Null before. */
  outcome: ExecutionOutcome | null;
  /** The number of the attempt that ran, or tried to. Null: the call got no lease. */
  attempt: number | null;
  /** Of a replay: the `traceparent` of the attempt that executed. Null where there is none on record, and of everything else. */
  originalTraceparent: string | null;
}

/** The message of `onceguard:store`: one call of a store, from sending it to its reply or its time limit. */
export interface StoreTrace extends TracedCall {
  readonly store: string;
  /** Null for a scan, which reads many records. */
  readonly recordName: string | null;
  readonly operation: string | null;
  readonly verb: string;
}

export const executionChannel: TracingChannel<unknown, ExecutionTrace> = tracingChannel('onceguard:execution');
export const storeChannel: TracingChannel<unknown, StoreTrace> = tracingChannel('onceguard:store');

/** What a tracer does when a call begins and when it has ended. */
export interface TraceListeners<Trace, State = unknown> {
  /** What it returns is kept with the call, and passed to `asyncEnd`. */
  start(trace: Trace): State;
  /** Not called where `start` was not, or threw: the call began before these listeners came. */
  asyncEnd(trace: Trace, state: State): void;
}

/**
 * Subscribes to both ends of the calls of a channel. Returns a function that ends that. The state is a property of the message, because V8
 * keeps the values of a WeakMap until its next major collection.
 */
function subscribeTo<Trace extends TracedCall, State>(
  channel: TracingChannel<unknown, Trace>,
  listeners: TraceListeners<Trace, State>,
): () => void {
  const property = Symbol('onceguard.state');
  type Traced = Trace & { [property]?: State };
  // Assigned, which takes a tenth of the time of defining a hidden property.
  const start = (message: unknown) => {
    const traced = message as Traced;
    traced[property] = listeners.start(traced);
  };
  const asyncEnd = (message: unknown) => {
    const traced = message as Traced;
    if (property in traced) listeners.asyncEnd(traced, traced[property] as State);
  };
  channel.start.subscribe(start);
  channel.asyncEnd.subscribe(asyncEnd);
  return () => {
    channel.start.unsubscribe(start);
    channel.asyncEnd.unsubscribe(asyncEnd);
  };
}

/**
 * Calls the listeners at both ends of every execution, of every copy of this package in the process. Returns a function that stops that.
 *
 * @example
 * const stop = onExecution({
 *   start: () => performance.now(),
 *   asyncEnd: ({ operation, outcome }, startedAt) => log.debug(operation, outcome, performance.now() - startedAt),
 * });
 */
export function onExecution<State>(listeners: TraceListeners<ExecutionTrace, State>): () => void {
  return subscribeTo(executionChannel, listeners);
}

/** Calls the listeners at both ends of every call of a store, of every copy of this package. Returns a function that stops that. */
export function onStoreCall<State>(listeners: TraceListeners<StoreTrace, State>): () => void {
  return subscribeTo(storeChannel, listeners);
}

/**
 * Makes the call in the context that the tracers of the channel want for it, and tells them how it ended. `onError` is called before them.
 *
 * Publishes what `channel.tracePromise` does, but for the result. It takes less time, and every request makes three such calls.
 */
export function traceCall<Trace extends TracedCall, Result>(
  channel: TracingChannel<unknown, Trace>,
  trace: Trace,
  call: () => Promise<Result>,
  onError?: (error: unknown) => void,
): Promise<Result> {
  const pending = channel.start.runStores(trace, () => callInContext(trace, call));
  channel.end.publish(trace);
  return pending.then(
    (result) => {
      publishEnd(channel, trace);
      return result;
    },
    (error: unknown) => {
      onError?.(error);
      trace.error = error;
      channel.error.publish(trace);
      publishEnd(channel, trace);
      throw error;
    },
  );
}

function publishEnd<Trace extends TracedCall>(channel: TracingChannel<unknown, Trace>, trace: Trace): void {
  channel.asyncStart.publish(trace);
  channel.asyncEnd.publish(trace);
}

/** Calls once, whatever the tracer does: a tracer that throws, or never calls, must not keep work from running or run it twice. */
function callInContext<Result>({ runInContext }: TracedCall, call: () => Promise<Result>): Promise<Result> {
  if (runInContext === undefined) return call();
  let pending: Promise<Result> | undefined;
  try {
    runInContext(() => {
      pending ??= call();
    });
  } catch {
    // The tracer's own failure.
  }
  return pending ?? call();
}
