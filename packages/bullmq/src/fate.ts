// What becomes of a job that there is no result for.
import {
  type FinalErrors,
  InProgressError,
  isFinalError,
  KeyReusedError,
  OutcomeUnknownError,
  ResponseExpiredError,
  StoreError,
} from '@onceguard/core';
import type { Delivery } from './delivery.js';

/**
 * `done`: completed, without a value. `delayed`: looked at again later, without using up an attempt. `failed`: not retried.
 * `thrown`: an ordinary failure, which BullMQ retries as the job's options say.
 */
export type Fate =
  | { readonly as: 'done' }
  | { readonly as: 'delayed'; readonly forMs: number }
  | { readonly as: 'failed' }
  | { readonly as: 'thrown' };

/** Before a job is looked at again for which the store did not answer. */
const storeAwayMs = 5_000;

export function fateOf(
  error: unknown,
  delivery: Delivery<unknown>,
  { onAbandoned, finalErrors = [] }: { onAbandoned?: unknown; finalErrors?: FinalErrors },
): Fate {
  if (!delivery.threw(error)) {
    if (error instanceof ResponseExpiredError) return { as: 'done' };
    if (error instanceof KeyReusedError) return { as: 'failed' };
    if (error instanceof InProgressError) return { as: 'delayed', forMs: error.retryAfterMs };
    if (error instanceof OutcomeUnknownError) {
      const { retryAfterMs } = error;
      // Who cannot find out would wait for nothing.
      const isAskedAgain = retryAfterMs !== null && typeof onAbandoned === 'function';
      return isAskedAgain ? { as: 'delayed', forMs: retryAfterMs } : { as: 'failed' };
    }
    // Work that began and is not on record may be done: an attempt is used up, so that there is an end to it.
    if (error instanceof StoreError && error.class !== 'bug' && !delivery.begun)
      return { as: 'delayed', forMs: storeAwayMs };
  }
  return isFinalError(error, finalErrors) ? { as: 'failed' } : { as: 'thrown' };
}
