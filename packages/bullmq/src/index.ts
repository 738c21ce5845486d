// @onceguard/bullmq: a job that BullMQ 5 or 6 delivers again completes with the recorded result instead of running again.
import { makeIdempotent, type OperationContext } from '@onceguard/core';
import { DelayedError, UnrecoverableError } from 'bullmq';
import { WrappedControlFlow } from './control-flow.js';
import { Delivery } from './delivery.js';
import { decideDisposition } from './disposition.js';
import { type ProcessorOptions, toDeliveryOptions } from './processor-options.js';
import type { QueueJob } from './queue-job.js';

export type { ProcessorOptions } from './processor-options.js';
export type { QueueJob } from './queue-job.js';

/**
 * A processor for `new Worker(queue, processor)`. It returns `undefined` if the result is no longer kept. It declares all
 * three parameters, because BullMQ passes its signal only to functions that do.
 */
export type IdempotentProcessor<Job, Result> = (
  job: Job,
  token?: string,
  signal?: AbortSignal,
) => Promise<Result | undefined>;

/**
 * Makes a processor whose jobs run once per key, however often BullMQ delivers them.
 *
 * - Already done: the job completes with the recorded result, or without a result if it is no longer kept. If an error was
 *   recorded as final, the job fails with it again.
 * - Running elsewhere, still unknown (`recovery.stillUnknown(retryAfterMs)`), or the store was unavailable before the work:
 *   the job is delayed, which uses up no attempt.
 * - `fn` throws a `DelayedError`, `WaitingError`, `WaitingChildrenError` or `RateLimitError` of BullMQ to move the job
 *   elsewhere: the key is freed, whatever `onFailure` says, and the job runs again when BullMQ delivers it again.
 * - The outcome is unknown, or the key was used with another payload: the job fails and is not retried.
 * - `fn` throws anything else: the key is freed (see `onFailure`), and BullMQ retries the job as its options say.
 *
 * A job that is not retried fails with an `UnrecoverableError`, with the message of the error, and the error as its `cause`.
 * The signal of `fn`'s context aborts when the lease is lost and when BullMQ cancels the job.
 *
 * Throws a `ConfigurationError` for invalid options.
 *
 * @param fn - the handler. It gets the job and the context of the operation.
 * @param options - those of `makeIdempotent`. `scope` and `key` have defaults, and functions get the job.
 * @example
 * const processor = idempotentProcessor(charge, { store, key: (job) => job.data.orderId });
 * new Worker('charges', processor, { connection });
 */
export function idempotentProcessor<Job extends QueueJob, Result>(
  fn: (job: Job, context: OperationContext) => Result | Promise<Result>,
  options: ProcessorOptions<Job, Result>,
): IdempotentProcessor<Job, Result> {
  const handle = async (delivery: Delivery<Job>, context: OperationContext) => await delivery.runHandler(fn, context);
  // The name of a function is the operation that a record shows by default.
  Object.defineProperty(handle, 'name', { value: fn.name });
  const run = makeIdempotent<Delivery<Job>, Result>(handle, toDeliveryOptions(options));
  return async (job, token, signal) => {
    const delivery = new Delivery(job, signal);
    try {
      return await run(delivery);
    } catch (error) {
      if (error instanceof WrappedControlFlow) throw error.error;
      const disposition = decideDisposition(error, delivery, options);
      switch (disposition.kind) {
        case 'complete':
          return undefined;
        case 'delay':
          await job.moveToDelayed(Date.now() + disposition.delayMs, token);
          throw new DelayedError();
        case 'fail':
          throw toUnrecoverableError(error);
        case 'rethrow':
          throw error;
      }
    }
  };
}

/** BullMQ does not retry this error, which it recognises by name. BullMQ keeps only the message and the stack of an error. */
function toUnrecoverableError(cause: unknown): UnrecoverableError {
  const isError = cause instanceof Error;
  const error = new UnrecoverableError(isError ? cause.message : String(cause));
  if (isError && cause.stack !== undefined) error.stack = cause.stack;
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
  return error;
}
