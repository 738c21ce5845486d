// What steps need from the attempt that runs them: its identity, its lease, and a way to put a step on record.
import type { EventSubject } from '../events.js';
import type { Checkpoint } from '../protocol/messages.js';

export interface StepRecorder {
  readonly attempt: number;
  readonly signal: AbortSignal;
  deriveKey(name: string): string;
  /** Whether the caller's options say that this error is an outcome of the work. Such an error is not retried. */
  isFinalError(error: unknown): boolean;
  /** What events say of the attempt. */
  attemptSubject(): EventSubject & { readonly attempt: number };
  /** Throws a `LeaseLostError` where the lease is over, or the operation has ended. */
  assertLeaseValid(): void;
  /** Resolves when the step is on record. Rejects with a `LeaseLostError` where that is no longer possible. */
  recordStep(point: Checkpoint): Promise<void>;
}
