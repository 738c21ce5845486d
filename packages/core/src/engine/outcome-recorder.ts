// Records one outcome. Where the store refuses its bytes, it records that the work is done without them.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteReply, Completion } from '../protocol/messages.js';
import { restoreWindowMs } from '../protocol/record.js';
import type { Attempt } from './attempt.js';
import { addOutcomeChecksum } from './checksum.js';
import type { Settlement } from './execution.js';
import { isRetryable } from './store-client.js';
import { monotonicMs } from './time.js';

/** Fewer bytes are not suspected of being why a call failed. */
const minSuspectBytes = 65_536;

type RetryMode = 'once' | 'persistently';

export class OutcomeRecorder {
  #completion: Completion;
  /** Why the bytes are left out. */
  #omitReason: string | null = null;

  constructor(
    private readonly attempt: Attempt,
    { outcome, note }: Settlement & { as: 'done' },
  ) {
    const { recordName, policy } = attempt.request;
    const recorded = outcome && addOutcomeChecksum(recordName, outcome);
    this.#completion = { outcome: recorded, outcomeTtlMs: policy.ttlMs, note, notAfter: restoreNotAfter(attempt) };
  }

  /** How many bytes are to be recorded. */
  get outcomeBytes(): number {
    return this.#completion.outcome?.byteLength ?? 0;
  }

  /** From now on only the fact is recorded. Bytes that an unanswered call may have recorded stand. */
  omitOutcome(because: string): void {
    if (this.#completion.outcome === null) return;
    this.#completion = { ...this.#completion, outcome: null };
    this.#omitReason = because;
  }

  /** Repeats the call within the store's deadline. Rejects with a `StoreError`. */
  async record(): Promise<CompleteReply> {
    return await this.#record('persistently');
  }

  /** Makes one call, and a second one where the store refuses the bytes of the first. Rejects with a `StoreError`. */
  async recordOnce(): Promise<CompleteReply> {
    return await this.#record('once');
  }

  async #record(how: RetryMode): Promise<CompleteReply> {
    const answer = await this.#send(how).catch((error: unknown) => this.#retryWithoutOutcome(error, how));
    const reason = this.#omitReason;
    const isRecorded = answer.kind === 'ok' || answer.kind === 'restored';
    if (isRecorded && reason !== null) {
      publish('outcome_not_kept', () => ({ ...this.attempt.recordSubject(), reason }));
    }
    return answer;
  }

  /** Where the bytes are why a call failed, sends another one without them. Else rejects with the same error. */
  async #retryWithoutOutcome(error: unknown, how: RetryMode): Promise<CompleteReply> {
    if (this.#completion.outcome === null || !(error instanceof StoreError)) throw error;
    if (error.refusal !== null) return await this.#sendWithoutOutcome(error, how);
    if (this.outcomeBytes < minSuspectBytes || !isRetryable(error.class) || !(await this.#isStoreReachable()))
      throw error;
    return await this.#send('once').catch((again: unknown) => this.#sendWithoutOutcome(again, how));
  }

  async #sendWithoutOutcome(error: unknown, how: RetryMode): Promise<CompleteReply> {
    this.omitOutcome(error instanceof Error ? error.message : String(error));
    return await this.#send(how);
  }

  /** Some servers and proxies end the connection that a large value comes in on, or take too long for it, and refuse nothing in words. */
  async #isStoreReachable(): Promise<boolean> {
    const { storeClient, request } = this.attempt;
    return await storeClient.now(request.recordName, monotonicMs() + storeClient.store.callTimeoutMs).then(
      () => true,
      () => false,
    );
  }

  #send(how: RetryMode): Promise<CompleteReply> {
    const { storeClient, request } = this.attempt;
    const call = () => this.#complete();
    if (how === 'once') return storeClient.call('complete', request.recordName, call);
    return storeClient.callWithRetry(
      'complete',
      request.recordName,
      call,
      monotonicMs() + storeClient.store.callTimeoutMs,
    );
  }

  #complete(): Promise<CompleteReply> {
    const { storeClient, lease } = this.attempt;
    return storeClient.store.complete(lease, this.#completion);
  }
}

/** The earlier of now and the lease end last told, plus the life of the record: the same in every repetition. */
function restoreNotAfter({ storeClient, lease }: Attempt): number {
  const startedAt = Math.min(storeClient.clock.estimate() ?? lease.leaseEndAt, lease.leaseEndAt);
  return startedAt + Math.min(lease.recordTtlMs, restoreWindowMs);
}
