// Decides what happens to a job that has no result.
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
 * `complete`: the job completes without a value. `delay`: it runs again later, and this delivery does not use up an attempt.
 * `fail`: the job fails and is not retried. `rethrow`: an ordinary failure, which BullMQ retries as the job's options say.
 */
export type Disposition =
  | { readonly kind: 'complete' }
  | { readonly kind: 'delay'; readonly delayMs: number }
  | { readonly kind: 'fail' }
  | { readonly kind: 'rethrow' };

/** The delay of a job for which the store was unavailable. */
const storeUnavailableDelayMs = 5_000;

export function decideDisposition(
  error: unknown,
  delivery: Delivery<unknown>,
  { onAbandoned, finalErrors = [] }: { onAbandoned?: unknown; finalErrors?: FinalErrors },
): Disposition {
  if (!delivery.wasThrownByHandler(error)) {
    if (error instanceof OutcomeExpiredError) return { kind: 'complete' };
    if (error instanceof KeyReusedError) return { kind: 'fail' };
    if (error instanceof InProgressError) return { kind: 'delay', delayMs: error.retryAfterMs };
    if (error instanceof OutcomeUnknownError) {
      const { retryAfterMs } = error;
      // Without a function in onAbandoned, a later delivery could not find out either.
      const canRecoverLater = retryAfterMs !== null && typeof onAbandoned === 'function';
      return canRecoverLater ? { kind: 'delay', delayMs: retryAfterMs } : { kind: 'fail' };
    }
    // Work that has started without a record may be done. Then the job uses up an attempt, so that its retries end.
    if (error instanceof StoreError && error.class !== 'bug' && !delivery.handlerStarted)
      return { kind: 'delay', delayMs: storeUnavailableDelayMs };
  }
  return isFinalError(error, finalErrors) ? { kind: 'fail' } : { kind: 'rethrow' };
}
