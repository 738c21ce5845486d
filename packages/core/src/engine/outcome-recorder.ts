// Records one outcome. Where the store refuses its bytes, it records that the work is done without them.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteAnswer, Completion } from '../protocol/messages.js';
import type { Attempt } from './attempt.js';
import { recordedOutcome } from './checksum.js';
import type { Settlement } from './plan.js';
import { monotonicMs } from './timing.js';

/** A record that the store lost is written anew for at most this long: as long as a removed one is remembered. */
const longestRestoreMs = 3_600_000;

export class OutcomeRecorder {
  #completion: Completion;
  /** Why the bytes are left out. */
  #omittedBecause: string | null = null;

  constructor(
    private readonly attempt: Attempt,
    { outcome, note }: Settlement & { as: 'done' },
  ) {
    const { name, terms } = attempt.plan;
    const recorded = outcome && recordedOutcome(name, outcome);
    this.#completion = { outcome: recorded, outcomeTtlMs: terms.ttlMs, note, notAfter: restoreLimit(attempt) };
  }

  /** How many bytes are to be recorded. */
  get outcomeBytes(): number {
    return this.#completion.outcome?.byteLength ?? 0;
  }

  /** From now on only the fact is recorded. Bytes that an unanswered call may have recorded stand. */
  omitOutcome(because: string): void {
    if (this.#completion.outcome === null) return;
    this.#completion = { ...this.#completion, outcome: null };
    this.#omittedBecause = because;
  }

  /** Repeats the call within the store's deadline. Rejects with a `StoreError`. */
  async record(): Promise<CompleteAnswer> {
    return await this.#record('persistently');
  }

  /** Makes one call, and a second one where the store refuses the bytes of the first. Rejects with a `StoreError`. */
  async tryOnce(): Promise<CompleteAnswer> {
    return await this.#record('once');
  }

  async #record(how: 'once' | 'persistently'): Promise<CompleteAnswer> {
    const answer = await this.#send(how).catch((error: unknown) => {
      if (this.#completion.outcome === null || !isRefusalOfBytes(error)) throw error;
      this.omitOutcome(error.message);
      return this.#send(how);
    });
    const reason = this.#omittedBecause;
    const isRecorded = answer.kind === 'ok' || answer.kind === 'restored';
    if (isRecorded && reason !== null) {
      publish('outcome_not_kept', () => ({ ...this.attempt.recordSubject(), reason }));
    }
    return answer;
  }

  #send(how: 'once' | 'persistently'): Promise<CompleteAnswer> {
    const { link, plan } = this.attempt;
    const call = () => this.#complete();
    if (how === 'once') return link.ask('complete', plan.name, call);
    return link.askPersistently('complete', plan.name, call, monotonicMs() + link.store.timeoutMs);
  }

  #complete(): Promise<CompleteAnswer> {
    const { link, lease } = this.attempt;
    return link.store.complete(lease, this.#completion);
  }
}

function isRefusalOfBytes(error: unknown): error is StoreError {
  return error instanceof StoreError && error.refusal !== null;
}

/** The earlier of now and the lease end last told, plus the life of the record: the same in every repetition. */
function restoreLimit({ link, lease }: Attempt): number {
  const startedAt = Math.min(link.clock.estimate() ?? lease.leaseEndAt, lease.leaseEndAt);
  return startedAt + Math.min(lease.recordTtlMs, longestRestoreMs);
}
