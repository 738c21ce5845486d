// What steps need from the attempt that runs them: its identity, its lease, and a way to put a step on record.
import type { EventSubject } from '../events.js';
import type { Checkpoint } from '../protocol/messages.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { StepContext } from './step-options.js';

export interface StepRecorder {
  readonly attempt: number;
  /** The steps are a part of a transaction: none is on record before its commit. */
  readonly inTransaction?: boolean;
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
  /** Runs a step and records it in one transaction. Resolves with the recorded bytes. Rejects where nothing was committed. */
  runStepTransaction(port: TransactionPort, step: StepInTransaction): Promise<Buffer>;
}

/** One try of a step in a transaction. */
export interface StepInTransaction {
  readonly name: string;
  readonly seq: number;
  readonly context: StepContext;
  /** Runs the function, and encodes its result. */
  run(context: StepContext): Promise<Buffer>;
}
