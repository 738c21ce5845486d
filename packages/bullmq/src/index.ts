// @onceguard/bullmq: a job that is delivered again runs once and gets the recorded result, on BullMQ 5 and 6.
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
 * A processor for `new Worker(queue, processor)`. `undefined` stands for a result that is no longer kept. Declares all three
 * parameters, because BullMQ hands its signal only to functions that do.
 */
export type IdempotentProcessor<Job, Result> = (
  job: Job,
  token?: string,
  signal?: AbortSignal,
) => Promise<Result | undefined>;

/**
 * A processor whose jobs run once per key, however often they are delivered:
 *
 *     new Worker('charges', idempotentProcessor(charge, { store, key: (job) => job.data.orderId }), { connection });
 *
 * - Done already: the job completes with the recorded result, or without one where it is no longer kept. An error that was
 *   recorded as final fails it again.
 * - Running elsewhere, or nobody knows yet (`stillUnknown(retryAfterMs)`), or the store is away before the work: the job is delayed,
 *   which uses up no attempt.
 * - Sent elsewhere by `fn` itself, with a `DelayedError`, `WaitingError`, `WaitingChildrenError` or `RateLimitError` of BullMQ: the key is
 *   freed, whatever `onFailure` says, and the job runs again when BullMQ delivers it again.
 * - Unknown, or the key stands for another payload: the job fails and is not retried.
 * - Whatever else `fn` throws frees the key (see `onFailure`), and BullMQ retries the job as its options say.
 *
 * A job that is not to be retried fails with an `UnrecoverableError`: its message is that of the error, its `cause` the error.
 * The signal of `fn`'s context aborts when the lease is lost, and when BullMQ cancels the job.
 *
 * Throws a `ConfigurationError` for options that cannot be meant.
 */
export function idempotentProcessor<Job extends QueueJob, Result>(
  fn: (job: Job, context: OperationContext) => Result | Promise<Result>,
  options: ProcessorOptions<Job, Result>,
): IdempotentProcessor<Job, Result> {
  const run = makeIdempotent<Delivery<Job>, Result>(
    async (delivery, context) => await delivery.runHandler(fn, context),
    toDeliveryOptions(options),
  );
  return async (job, token, signal) => {
    const delivery = new Delivery(job, signal);
    try {
      return await run(delivery);
    } catch (error) {
      if (error instanceof WrappedControlFlow) throw error.error;
      const fate = decideDisposition(error, delivery, options);
      switch (fate.as) {
        case 'done':
          return undefined;
        case 'delayed':
          await job.moveToDelayed(Date.now() + fate.forMs, token);
          throw new DelayedError();
        case 'failed':
          throw toUnrecoverableError(error);
        case 'thrown':
          throw error;
      }
    }
  };
}

/** What BullMQ does not retry, and knows by its name. What it keeps of an error is the message and the stack. */
function toUnrecoverableError(cause: unknown): UnrecoverableError {
  const isError = cause instanceof Error;
  const error = new UnrecoverableError(isError ? cause.message : String(cause));
  if (isError && cause.stack !== undefined) error.stack = cause.stack;
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
  return error;
}
