// What events and traces say of an attempt in a transaction.
import type { IdempotencyError } from '../errors.js';
import { type EventSubject, publish } from '../events.js';
import type { Lease } from '../protocol/messages.js';
import type { ExecutionRequest, Settlement } from './execution.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';
import { noteOutcome } from './trace-execution.js';

export class TransactionEvents {
  #startedAt = monotonicMs();
  #attempt = 1;

  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
  ) {}

  get recordSubject(): EventSubject {
    return this.storeClient.eventSubject(this.request);
  }

  publishAcquired({ attempt, fencingToken, takeover }: Lease): void {
    this.#startedAt = monotonicMs();
    this.#attempt = attempt;
    publish('acquired', () => ({ ...this.#attemptSubject(), fencingToken, takeover }));
  }

  /** `recordedBytes`: the size of the outcome on record. Null: only the fact is recorded. */
  publishExecuted({ kind, note }: Settlement & { as: 'done' }, recordedBytes: number | null): void {
    noteOutcome(this.request, 'executed');
    publish('executed', () => ({
      ...this.#attemptSubject(),
      durationMs: monotonicMs() - this.#startedAt,
      kind,
      status: kind === 'response' && note !== null ? Number(note) : null,
      bytes: recordedBytes,
    }));
  }

  /** The operation has failed, or its outcome is not recorded. */
  publishReleased(nothingHappened: boolean): void {
    noteOutcome(this.request, 'released');
    const cause = nothingHappened ? 'nothing_happened' : 'failed';
    publish('released', () => ({
      ...this.#attemptSubject(),
      durationMs: monotonicMs() - this.#startedAt,
      cause,
    }));
  }

  publishFailed({ code }: IdempotencyError, error: unknown): void {
    noteOutcome(this.request, code);
    publish('transaction_failed', () => ({ ...this.#attemptSubject(), code, error }));
  }

  #attemptSubject(): EventSubject & { readonly attempt: number } {
    return { ...this.recordSubject, attempt: this.#attempt };
  }
}
