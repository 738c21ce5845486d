// Decides what to do with one delivery of a job, for any queue: the job runs once, and each delivery ends in one of four ways.
import {
  ConfigurationError,
  IdempotencyError,
  type IdempotentOptions,
  InProgressError,
  isFinalError,
  KeyReusedError,
  LeaseLostError,
  makeIdempotent,
  type OperationContext,
  OutcomeExpiredError,
  OutcomeUnknownError,
  StoreError,
} from '@onceguard/core';

export type Decision<Result> =
  /** It is done, now or earlier. `result` is missing if it is no longer kept. */
  | { readonly kind: 'acknowledge'; readonly result?: Result }
  /** Deliver it again after this time. Only a failed attempt counts as one. */
  | { readonly kind: 'delay'; readonly ms: number; readonly reason: string }
  /** It may have taken effect: nobody runs it until somebody has decided. Move it where people look. */
  | { readonly kind: 'park'; readonly reason: string }
  /** No further delivery can succeed. */
  | { readonly kind: 'reject'; readonly reason: string };

export interface RetryOptions {
  /** How often a job runs before it is rejected. The record counts, so that duplicates of a message do not. Default 5. */
  maxAttempts?: number;
  /** How long a job waits after this attempt has failed. Default: one second, doubled each time, at most five minutes. */
  retryMs?: (attempt: number) => number;
  /** How long a job waits if the time is unknown: the store is away, or the lease was lost. Default 5,000. */
  waitMs?: number;
}

/** Wraps the work of a queue. The wrapped function runs a job if it may, never rejects, and returns what to do with the delivery. */
export function createDecider<Job extends object, Result>(
  work: (job: Job, context: OperationContext) => Result | Promise<Result>,
  options: IdempotentOptions<Job, Result> & RetryOptions,
): (job: Job) => Promise<Decision<Result>> {
  const { maxAttempts = 5, retryMs = exponentialDelay, waitMs = 5_000, onAbandoned, ...terms } = options;
  const finds = typeof onAbandoned === 'function';
  const failures = new WeakMap<Job, Failure>();
  const watched = async <T>(job: Job, { attempt }: { attempt: number }, code: () => T | Promise<T>): Promise<T> => {
    try {
      return await code();
    } catch (error) {
      failures.set(job, { attempt, error });
      throw error;
    }
  };
  const once = makeIdempotent<Job, Result>((job, context) => watched(job, context, () => work(job, context)), {
    ...terms,
    ...(typeof onAbandoned === 'function'
      ? { onAbandoned: (context, job) => watched(job, context, () => onAbandoned(context, job)) }
      : { onAbandoned: onAbandoned ?? 'rerun' }),
  });
  return async (job) => {
    try {
      return { kind: 'acknowledge', result: await once(job) };
    } catch (error) {
      const failure = failures.get(job);
      if (failure === undefined || failure.error !== error) return decisionForError(error, waitMs, finds);
      if (error instanceof LeaseLostError) return delay(waitMs, error);
      const isOver = isFinalError(error, terms.finalErrors ?? []) || failure.attempt >= maxAttempts;
      return isOver ? reject(error) : delay(retryMs(failure.attempt), error);
    }
  };
}

/** Wraps an error of the work, to tell it from errors that kept the work from running. */
interface Failure {
  readonly attempt: number;
  readonly error: unknown;
}

function decisionForError(error: unknown, waitMs: number, finds: boolean): Decision<never> {
  if (error instanceof InProgressError) return delay(error.retryAfterMs, error);
  if (error instanceof OutcomeUnknownError) {
    // Without a function that finds out, a later delivery would learn nothing new.
    return finds && error.retryAfterMs !== null ? delay(error.retryAfterMs, error) : park(error);
  }
  if (error instanceof StoreError) return delay(waitMs, error);
  if (error instanceof OutcomeExpiredError) return { kind: 'acknowledge' };
  if (error instanceof KeyReusedError || error instanceof ConfigurationError) return reject(error);
  // The work is done, but its recorded result cannot be read, perhaps only by this version.
  if (error instanceof IdempotencyError) return park(error);
  // A final error, thrown again.
  return reject(error);
}

function exponentialDelay(attempt: number): number {
  return Math.min(1_000 * 2 ** (attempt - 1), 300_000);
}

function delay(ms: number, why: unknown): Decision<never> {
  return { kind: 'delay', ms, reason: String(why) };
}

function park(why: unknown): Decision<never> {
  return { kind: 'park', reason: String(why) };
}

function reject(why: unknown): Decision<never> {
  return { kind: 'reject', reason: String(why) };
}
