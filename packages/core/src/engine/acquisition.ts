// What a caller gets when it asks the store for the right to run.
import type { Lease, Standing } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';

/** The caller owns the lease and may run. */
export interface LeaseAcquired {
  readonly kind: 'acquired';
  readonly lease: Lease;
  /** When this process sent the call, on its monotonic clock: this side counts the lease from here. */
  readonly sentAt: number;
  /** The steps that earlier attempts recorded. */
  readonly steps: ReadonlyMap<string, StepEntry>;
}

/** The caller may not run: what the record says instead. */
export type NotAcquired = Exclude<Standing, { kind: 'retryable' }>;
