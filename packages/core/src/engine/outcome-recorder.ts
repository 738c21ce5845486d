// Records one outcome. Where the store refuses the bytes of the outcome, records without them that the work is done.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteReply, Completion } from '../protocol/messages.js';
import { restoreWindowMs } from '../protocol/record.js';
import type { Attempt } from './attempt.js';
import { addOutcomeChecksum } from './checksum.js';
import type { Settlement } from './execution.js';
import { isRetryable } from './store-client.js';
import { monotonicMs } from './time.js';

/** An outcome of fewer bytes is not suspected as the cause of a failed call. */
const minSuspectBytes = 65_536;

/** How the call `complete` is sent: once, or repeated until the store's deadline. */
type SendCompletion = () => Promise<CompleteReply>;

export class OutcomeRecorder {
  #completion: Completion;
  /** Why the bytes are left out. Null: they are not. */
  #omitReason: string | null = null;

  constructor(
    private readonly attempt: Attempt,
    { outcome, note }: Settlement & { as: 'done' },
  ) {
    const { recordName, policy } = attempt.request;
    const recorded = outcome && addOutcomeChecksum(recordName, outcome);
    this.#completion = { outcome: recorded, outcomeTtlMs: policy.ttlMs, note, notAfter: restoreNotAfter(attempt) };
  }

  /** The size of the outcome that is to be recorded. */
  get outcomeBytes(): number {
    return this.#completion.outcome?.byteLength ?? 0;
  }

  /** The size of the recorded bytes. Null: only the fact is recorded. */
  get recordedBytes(): number | null {
    return this.#completion.outcome?.byteLength ?? null;
  }

  /** From now on only the fact is recorded. Bytes that a call without a reply may have recorded remain on record. */
  omitOutcome(reason: string): void {
    if (this.#completion.outcome === null) return;
    this.#completion = { ...this.#completion, outcome: null };
    this.#omitReason = reason;
  }

  /** Retries the call within the store's deadline. Rejects with a `StoreError`. */
  record(): Promise<CompleteReply> {
    return this.#record(() => this.#sendWithRetry());
  }

  /** Makes one call, and a second one where the store refuses the bytes of the first. Rejects with a `StoreError`. */
  recordOnce(): Promise<CompleteReply> {
    return this.#record(() => this.#sendOnce());
  }

  async #record(send: SendCompletion): Promise<CompleteReply> {
    const reply = await send().catch((error: unknown) => this.#retryWithoutOutcome(error, send));
    const reason = this.#omitReason;
    const isRecorded = reply.kind === 'ok' || reply.kind === 'restored';
    if (isRecorded && reason !== null) {
      publish('outcome_not_kept', () => ({ ...this.attempt.recordSubject(), reason }));
    }
    return reply;
  }

  /** Sends the call without the bytes where they caused the failure. Else rejects with the same error. */
  async #retryWithoutOutcome(error: unknown, send: SendCompletion): Promise<CompleteReply> {
    if (this.#completion.outcome === null || !(error instanceof StoreError)) throw error;
    if (error.refusal !== null) return await this.#sendWithoutOutcome(error, send);
    if (this.outcomeBytes < minSuspectBytes || !isRetryable(error.class) || !(await this.#isStoreReachable()))
      throw error;
    return await this.#sendOnce().catch((again: unknown) => this.#sendWithoutOutcome(again, send));
  }

  #sendWithoutOutcome(error: unknown, send: SendCompletion): Promise<CompleteReply> {
    this.omitOutcome(error instanceof Error ? error.message : String(error));
    return send();
  }

  /**
   * Some servers and proxies do not refuse a large value: they end the connection, or take too long. If a small call succeeds then, the
   * size is the likely cause.
   */
  async #isStoreReachable(): Promise<boolean> {
    const { storeClient, request } = this.attempt;
    return await storeClient.readStoreTime(request, monotonicMs() + storeClient.store.callTimeoutMs).then(
      () => true,
      () => false,
    );
  }

  #sendOnce(): Promise<CompleteReply> {
    const { storeClient, request } = this.attempt;
    return storeClient.call('complete', request, () => this.#complete());
  }

  #sendWithRetry(): Promise<CompleteReply> {
    const { storeClient, request } = this.attempt;
    const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
    return storeClient.callWithRetry('complete', request, () => this.#complete(), endsAt);
  }

  #complete(): Promise<CompleteReply> {
    const { storeClient, lease } = this.attempt;
    return storeClient.store.complete(lease, this.#completion);
  }
}

/** Until when the store may write the record again if it has lost it. The same in every repeat of the call. */
function restoreNotAfter({ storeClient, lease }: Attempt): number {
  // The lease end that the store gave last, or the store's time now if that is earlier.
  const startedAt = Math.min(storeClient.clock.estimate() ?? lease.leaseEndAt, lease.leaseEndAt);
  return startedAt + Math.min(lease.recordTtlMs, restoreWindowMs);
}
