// Records one outcome. Where the store refuses its bytes, it records that the work is done without them.
import { StoreError } from '../errors.js';
import { publish } from '../events.js';
import type { CompleteAnswer, Completion } from '../protocol/messages.js';
import { restoreTtlMs } from '../protocol/record.js';
import type { Attempt } from './attempt.js';
import { recordedOutcome } from './checksum.js';
import type { Settlement } from './plan.js';
import { isRepeatable } from './store-link.js';
import { monotonicMs } from './timing.js';

/** Fewer bytes are not suspected of being why a call failed. */
const largeBytes = 65_536;

type Repetition = 'once' | 'persistently';

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

  async #record(how: Repetition): Promise<CompleteAnswer> {
    const answer = await this.#send(how).catch((error: unknown) => this.#sendAgain(error, how));
    const reason = this.#omittedBecause;
    const isRecorded = answer.kind === 'ok' || answer.kind === 'restored';
    if (isRecorded && reason !== null) {
      publish('outcome_not_kept', () => ({ ...this.attempt.recordSubject(), reason }));
    }
    return answer;
  }

  /** Where the bytes are why a call failed, sends another one without them. Else rejects with the same error. */
  async #sendAgain(error: unknown, how: Repetition): Promise<CompleteAnswer> {
    if (this.#completion.outcome === null || !(error instanceof StoreError)) throw error;
    if (error.refusal !== null) return await this.#sendWithoutOutcome(error, how);
    if (this.outcomeBytes < largeBytes || !isRepeatable(error.class) || !(await this.#answersSmallCalls())) throw error;
    return await this.#send('once').catch((again: unknown) => this.#sendWithoutOutcome(again, how));
  }

  async #sendWithoutOutcome(error: unknown, how: Repetition): Promise<CompleteAnswer> {
    this.omitOutcome(error instanceof Error ? error.message : String(error));
    return await this.#send(how);
  }

  /** Some servers and proxies end the connection that a large value comes in on, or take too long for it, and refuse nothing in words. */
  async #answersSmallCalls(): Promise<boolean> {
    const { link, plan } = this.attempt;
    return await link.now(plan.name, monotonicMs() + link.store.timeoutMs).then(
      () => true,
      () => false,
    );
  }

  #send(how: Repetition): Promise<CompleteAnswer> {
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

/** The earlier of now and the lease end last told, plus the life of the record: the same in every repetition. */
function restoreLimit({ link, lease }: Attempt): number {
  const startedAt = Math.min(link.clock.estimate() ?? lease.leaseEndAt, lease.leaseEndAt);
  return startedAt + Math.min(lease.recordTtlMs, restoreTtlMs);
}
