// What became of a call.
import type { IdempotentFetchError } from './errors.js';

/** `response` is final; otherwise `error` says why there is none. */
export interface CallResult {
  readonly attempts: number;
  readonly response: Response | undefined;
  readonly error: IdempotentFetchError | undefined;
  /** A send before the last one may have taken effect. */
  readonly mayHaveRun: boolean;
}
