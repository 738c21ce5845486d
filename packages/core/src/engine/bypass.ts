// `onStoreUnavailable: 'bypass'`: the operation runs without a record, because the options prefer that to no run at all.
import { StoreError } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import { AttemptContext, type ContextSource } from './attempt-context.js';
import { deriveKeyFromRecordName } from './derived-key.js';
import type { AttemptState, Execution, ExecutionRequest, NotStarted, Work } from './execution.js';
import type { StepRecorder } from './step-recorder.js';
import { Steps } from './steps.js';
import type { StoreClient } from './store-client.js';
import { noteOutcome } from './trace-execution.js';
import { noTransactionError } from './transaction-errors.js';

/** Whether the policy allows a run without the store. A record that cannot be read may be one of finished work: never then. */
export function mayBypass({ policy }: ExecutionRequest, error: unknown): error is StoreError {
  return policy.onStoreUnavailable === 'bypass' && error instanceof StoreError && !error.unreadable;
}

/** The event `bypassed` and `context.bypassed` say that nothing protects this run. */
export async function runWithoutStore<T>(
  storeClient: StoreClient,
  request: ExecutionRequest,
  work: Work<T>,
  error: StoreError,
): Promise<Execution<T> | NotStarted> {
  if (work.canStart?.() === false) return { kind: 'not_started' };
  noteOutcome(request, 'bypassed');
  publish('bypassed', () => ({ ...storeClient.eventSubject(request), error }));
  const attempt = new UnprotectedAttempt(storeClient, request);
  const value = await work.run(new AttemptContext(attempt), attempt);
  return { kind: 'executed', value, recorded: false, attempt: attempt.attempt };
}

/** An attempt without a lease: its steps run and are not recorded, and its signal never aborts. */
class UnprotectedAttempt implements AttemptState, ContextSource, StepRecorder {
  readonly attempt = 1;
  readonly takeover = false;
  readonly fencingToken = 0;
  readonly bypassed = true;
  readonly signal = new AbortController().signal;
  readonly steps = new Steps(this, new Map());
  nothingHappened = false;

  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
  ) {}

  get key(): string {
    return this.request.key;
  }

  get recordName(): string {
    return this.request.recordName;
  }

  deriveKey(part: string): string {
    return deriveKeyFromRecordName(this.request.recordName, part);
  }

  async enqueue(): Promise<string> {
    throw noTransactionError('enqueue()');
  }

  isFinalError(error: unknown): boolean {
    return this.request.isFinalError?.(error) ?? false;
  }

  attemptSubject(): EventSubject & { readonly attempt: number } {
    return { ...this.storeClient.eventSubject(this.request), attempt: this.attempt };
  }

  markNothingHappened(): void {
    this.nothingHappened = true;
  }

  assertLeaseValid(): void {}

  async recordStep(): Promise<void> {}

  async runStepTransaction(): Promise<never> {
    throw new StoreError('unavailable', 'A step with a transaction needs its store, which this execution bypasses.');
  }
}
