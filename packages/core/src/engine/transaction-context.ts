// The context of an attempt in a transaction: its identity, its steps, which are a part of the transaction, and its outbox.
import { LeaseLostError } from '../errors.js';
import type { EventSubject } from '../events.js';
import type { Lease } from '../protocol/messages.js';
import type { StepEntry } from '../protocol/record.js';
import type { OutboxMessage } from '../store/transaction-port.js';
import type { ContextSource } from './attempt-context.js';
import { deriveKeyFromRecordName } from './derived-key.js';
import type { EnqueueOptions } from './enqueue-options.js';
import type { ExecutionRequest } from './execution.js';
import { createMessage } from './outbox-message.js';
import type { StepRecorder } from './step-recorder.js';
import { Steps } from './steps.js';
import { transactionOverError } from './transaction-errors.js';

export interface TransactionContextOptions {
  readonly request: ExecutionRequest;
  readonly lease: Lease;
  readonly inheritedSteps: ReadonlyMap<string, StepEntry>;
  readonly subject: EventSubject;
  readonly signal: AbortSignal;
  /** Whether the operation has ended. */
  isOver(): boolean;
  markNothingHappened(): void;
  enqueue(message: OutboxMessage): Promise<void>;
}

export class TransactionContext implements ContextSource, StepRecorder {
  readonly bypassed = false;
  readonly inTransaction = true;
  readonly steps: Steps;
  readonly #options: TransactionContextOptions;
  readonly #sentByTopic = new Map<string, number>();

  constructor(options: TransactionContextOptions) {
    this.#options = options;
    this.steps = new Steps(this, options.inheritedSteps);
  }

  get key(): string {
    return this.#options.request.key;
  }

  get recordName(): string {
    return this.#options.request.recordName;
  }

  get attempt(): number {
    return this.#options.lease.attempt;
  }

  get takeover(): boolean {
    return this.#options.lease.takeover;
  }

  get fencingToken(): number {
    return this.#options.lease.fencingToken;
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  deriveKey(part: string): string {
    return deriveKeyFromRecordName(this.recordName, part);
  }

  markNothingHappened(): void {
    this.#options.markNothingHappened();
  }

  isFinalError(error: unknown): boolean {
    return this.#options.request.isFinalError?.(error) ?? false;
  }

  attemptSubject(): EventSubject & { readonly attempt: number } {
    return { ...this.#options.subject, attempt: this.attempt };
  }

  assertLeaseValid(): void {
    if (this.#options.isOver()) throw new LeaseLostError('the operation has ended');
  }

  /** The steps are what the transaction does: the commit keeps them all, together with the outcome that replaces them. */
  async recordStep(): Promise<void> {
    this.assertLeaseValid();
  }

  async runStepTransaction(): Promise<never> {
    throw new LeaseLostError('the operation runs in a transaction already');
  }

  async enqueue(topic: string, payload: string | Uint8Array, options?: EnqueueOptions): Promise<string> {
    if (this.#options.isOver()) throw transactionOverError();
    const number = this.#sentByTopic.get(topic) ?? 0;
    const message = createMessage({ recordName: this.recordName, part: `${number}`, topic, payload, options });
    this.#sentByTopic.set(topic, number + 1);
    await this.#options.enqueue(message);
    return message.id;
  }
}
