// One attempt under its lease: its steps, its context, and what it has reported about itself.
import { LeaseLostError, StoreError } from '../errors.js';
import type { EventSubject } from '../events.js';
import type { Checkpoint, Lease } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { LeaseAcquired } from './acquisition.js';
import { AttemptContext, type ContextSource } from './attempt-context.js';
import { addStepChecksum } from './checksum.js';
import { deriveKeyFromRecordName } from './derived-key.js';
import type { AttemptState, ExecutionRequest } from './execution.js';
import { LeaseRenewer } from './lease-renewer.js';
import type { OperationContext } from './operation-context.js';
import type { StepInTransaction, StepRecorder } from './step-recorder.js';
import { runStepTransaction } from './step-transaction.js';
import { Steps } from './steps.js';
import { isRetryable, type StoreClient } from './store-client.js';
import { backoffMs, callBackoff, monotonicMs, pause } from './time.js';
import { noTransactionError } from './transaction-errors.js';

const noSteps: readonly string[] = [];

export class Attempt implements AttemptState, ContextSource, StepRecorder {
  readonly bypassed = false;
  /** Every step that is on record or is being recorded. They are sent again where the store has lost the record. */
  #checkpoints: Map<string, Checkpoint> | undefined;
  readonly #inheritedSteps: ReadonlyMap<string, StepEntry>;
  readonly #startedAt: number;
  #steps: Steps | undefined;
  readonly #renewer: LeaseRenewer;
  #mayRunSteps = true;
  #nothingHappened = false;

  constructor(
    readonly storeClient: StoreClient,
    readonly request: ExecutionRequest,
    acquired: LeaseAcquired,
  ) {
    for (const [step, entry] of acquired.steps) this.noteRecordedStep({ step, ...entry });
    this.#inheritedSteps = acquired.steps;
    this.#startedAt = acquired.sentAt;
    this.#renewer = new LeaseRenewer(storeClient, request, acquired, () => this.#resendCheckpoints());
  }

  get lease(): Lease {
    return this.#renewer.lease;
  }

  get key(): string {
    return this.request.key;
  }

  get recordName(): string {
    return this.request.recordName;
  }

  get attempt(): number {
    return this.lease.attempt;
  }

  get takeover(): boolean {
    return this.lease.takeover;
  }

  get fencingToken(): number {
    return this.lease.fencingToken;
  }

  get signal(): AbortSignal {
    return this.#renewer.signal;
  }

  /** Created on first use: most operations have no steps. */
  get steps(): Steps {
    this.#steps ??= new Steps(this, this.#inheritedSteps);
    return this.#steps;
  }

  /** The names of the steps that began and whose end is not known. */
  get stepsInDoubt(): readonly string[] {
    return this.#steps === undefined && this.#inheritedSteps.size === 0 ? noSteps : this.steps.inDoubt;
  }

  get nothingHappened(): boolean {
    return this.#nothingHappened;
  }

  markNothingHappened(): void {
    this.#nothingHappened = true;
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

  createContext(): OperationContext {
    return new AttemptContext(this);
  }

  /** The record, as events name it. */
  recordSubject(): EventSubject {
    return this.storeClient.eventSubject(this.request);
  }

  /** The record and the attempt, as events name them. */
  attemptSubject(): EventSubject & { readonly attempt: number } {
    return { ...this.recordSubject(), attempt: this.attempt };
  }

  /** How long the attempt has taken so far, in milliseconds. */
  elapsedMs(): number {
    return monotonicMs() - this.#startedAt;
  }

  /** Whether this owner may still act. A deadline that has passed is noticed here, if no timer was earlier. */
  isLeaseValid(): boolean {
    return this.#renewer.isLeaseValid();
  }

  /** Resolves when the lease is lost or renewal has stopped. To be called once. */
  async whenLeaseOver(): Promise<void> {
    await this.#renewer.whenOver();
  }

  /** The operation has ended: no step begins and none is recorded from now on, also while the outcome is being recorded. */
  endSteps(): void {
    this.#mayRunSteps = false;
  }

  /** Ends renewal: the outcome is on record, or the lease is left to expire. */
  stopRenewal(): void {
    this.#mayRunSteps = false;
    this.#renewer.stop();
  }

  /** Asks whatever still works for this attempt to stop, because the next attempt may begin. */
  abortForRetry(): void {
    this.#renewer.abort(new LeaseLostError('its key is free for a retry'));
  }

  assertLeaseValid(): void {
    if (!this.#mayRunSteps) throw new LeaseLostError('the operation has ended');
    this.#renewer.assertLeaseValid();
  }

  /** Retries until the store acknowledges the step or the lease is lost: an outage must not drop a finished step. */
  async recordStep(checkpoint: Checkpoint): Promise<void> {
    const { storeClient, request } = this;
    const { step, seq } = checkpoint;
    const recorded = { step, seq, bytes: addStepChecksum(request.recordName, step, checkpoint) };
    this.noteRecordedStep(checkpoint);
    for (let failures = 0; ; failures += 1) {
      this.assertLeaseValid();
      try {
        const { kind } = await storeClient.call('checkpoint', request, () =>
          storeClient.store.checkpoint(this.lease, recorded),
        );
        this.assertLeaseValid();
        if (kind === 'ok') return;
        if (kind === 'lost') this.#renewer.markLost('another owner has taken over');
        else await this.#renewer.renew();
      } catch (error) {
        if (!(error instanceof StoreError) || !isRetryable(error.class)) throw error;
      }
      await pause(backoffMs(failures, callBackoff));
    }
  }

  runStepTransaction(port: TransactionPort, step: StepInTransaction): Promise<Buffer> {
    return runStepTransaction(this, port, step);
  }

  /** The step is on record, or is being recorded. */
  noteRecordedStep(checkpoint: Checkpoint): void {
    this.#checkpoints ??= new Map();
    this.#checkpoints.set(checkpoint.step, checkpoint);
  }

  /** Sends all steps again, those of earlier attempts too, because the record may be new. Stops when the lease is lost. */
  async #resendCheckpoints(): Promise<void> {
    await Promise.all(
      [...(this.#checkpoints?.values() ?? [])].map((step) => this.recordStep(step).catch(() => undefined)),
    );
  }
}
