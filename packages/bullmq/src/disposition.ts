// What becomes of a job that there is no result for.
import {
  type FinalErrors,
  InProgressError,
  isFinalError,
  KeyReusedError,
  OutcomeExpiredError,
  OutcomeUnknownError,
  StoreError,
} from '@onceguard/core';
import type { Delivery } from './delivery.js';

/**
 * `done`: completed, without a value. `delayed`: looked at again later, without using up an attempt. `failed`: not retried.
 * `thrown`: an ordinary failure, which BullMQ retries as the job's options say.
 */
export type Disposition =
  | { readonly as: 'done' }
  | { readonly as: 'delayed'; readonly forMs: number }
  | { readonly as: 'failed' }
  | { readonly as: 'thrown' };

/** Before a job is looked at again for which the store did not answer. */
const storeUnavailableDelayMs = 5_000;

export function decideDisposition(
  error: unknown,
  delivery: Delivery<unknown>,
  { onAbandoned, finalErrors = [] }: { onAbandoned?: unknown; finalErrors?: FinalErrors },
): Disposition {
  if (!delivery.wasThrownByHandler(error)) {
    if (error instanceof OutcomeExpiredError) return { as: 'done' };
    if (error instanceof KeyReusedError) return { as: 'failed' };
    if (error instanceof InProgressError) return { as: 'delayed', forMs: error.retryAfterMs };
    if (error instanceof OutcomeUnknownError) {
      const { retryAfterMs } = error;
      // Who cannot find out would wait for nothing.
      const canRecoverLater = retryAfterMs !== null && typeof onAbandoned === 'function';
      return canRecoverLater ? { as: 'delayed', forMs: retryAfterMs } : { as: 'failed' };
    }
    // Work that began and is not on record may be done: an attempt is used up, so that there is an end to it.
    if (error instanceof StoreError && error.class !== 'bug' && !delivery.handlerStarted)
      return { as: 'delayed', forMs: storeUnavailableDelayMs };
  }
  return isFinalError(error, finalErrors) ? { as: 'failed' } : { as: 'thrown' };
}
