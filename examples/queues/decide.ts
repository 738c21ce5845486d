// What becomes of one delivery of a job, whatever the queue: the job runs once, and each delivery ends in one of four ways.
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
  /** It is done, now or earlier. `result` is missing where it is no longer kept. */
  | { readonly kind: 'acknowledge'; readonly result?: Result }
  /** It is to be delivered again after this time. Only a failed attempt counts as one. */
  | { readonly kind: 'delay'; readonly ms: number; readonly reason: string }
  /** It may have taken effect: nobody runs it until somebody has decided. It is kept where people look. */
  | { readonly kind: 'park'; readonly reason: string }
  /** No further delivery can succeed. */
  | { readonly kind: 'reject'; readonly reason: string };

export interface RetryOptions {
  /** How often a job runs before it is rejected. The record counts, so that duplicates of a message do not. Default 5. */
  maxAttempts?: number;
  /** How long a job waits after this attempt has failed. Default: one second, doubled each time, at most five minutes. */
  retryMs?: (attempt: number) => number;
  /** How long a job waits where nobody can say: the store is away, the lease was lost. Default 5,000. */
  waitMs?: number;
}

/** Wraps the work of a queue. What it gives runs a job where it may, never rejects, and says what to do with the delivery. */
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

/** What the work threw, as distinct from what is thrown because it could not run. */
interface Failure {
  readonly attempt: number;
  readonly error: unknown;
}

function decisionForError(error: unknown, waitMs: number, finds: boolean): Decision<never> {
  if (error instanceof InProgressError) return delay(error.retryAfterMs, error);
  if (error instanceof OutcomeUnknownError) {
    // Without a function that finds out, asking again later finds out nothing.
    return finds && error.retryAfterMs !== null ? delay(error.retryAfterMs, error) : park(error);
  }
  if (error instanceof StoreError) return delay(waitMs, error);
  if (error instanceof OutcomeExpiredError) return { kind: 'acknowledge' };
  if (error instanceof KeyReusedError || error instanceof ConfigurationError) return reject(error);
  // It is done, and what is recorded of it cannot be read: perhaps by this version only.
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
