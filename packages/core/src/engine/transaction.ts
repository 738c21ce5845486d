// The life of one execution in a transaction of the user's database: no lease, and no outcome that nobody knows.
import { OutcomeUnknownError, StoreError } from '../errors.js';
import type { TransactionPort } from '../store/transaction-port.js';
import type { NotAcquired } from './acquisition.js';
import { awaitOutcome } from './await-outcome.js';
import type { Execution, ExecutionRequest, NotStarted, Work } from './execution.js';
import { openTransactions } from './open-transactions.js';
import { toExecution } from './standing-outcome.js';
import { isRetryable, StoreClient } from './store-client.js';
import { backoffMs, callBackoff, monotonicMs, pause } from './time.js';
import { noteOutcome } from './trace-execution.js';
import { TransactionAttempt } from './transaction-attempt.js';
import type { TransactionEnd } from './transaction-end.js';
import { maxRunsInConflict, nestedError } from './transaction-errors.js';
import { busy, standingOf } from './transaction-grant.js';

const conflictBackoff = { initialMs: 10, maxMs: 200 };

/**
 * Runs the work in a transaction if the record allows it, commits effect and record together, and returns what the record says
 * otherwise. Rejects with what the operation throws, and with an `IdempotencyError` where the database failed; nothing happened then,
 * except where a `StoreError` of class `unknown` says that the commit is still unknown.
 */
export async function runInTransaction<T>(
  request: ExecutionRequest,
  work: Work<T>,
  port: TransactionPort,
): Promise<Execution<T> | NotStarted> {
  if (openTransactions().getStore()?.isOver === false) throw nestedError();
  return await new TransactionRunner(request, work, port).run();
}

class TransactionRunner<T> {
  readonly #storeClient: StoreClient;
  readonly #startedAt = monotonicMs();
  #conflicts = 0;

  constructor(
    private readonly request: ExecutionRequest,
    private readonly work: Work<T>,
    private readonly port: TransactionPort,
  ) {
    this.#storeClient = StoreClient.forStore(request.store);
  }

  async run(): Promise<Execution<T> | NotStarted> {
    noteOutcome(this.request, null);
    const completed = await this.#readCompleted();
    if (completed !== null) return this.#refuse(completed);
    try {
      for (;;) {
        const execution = await this.#handleEnd(await this.#attempt(this.work, false));
        if (execution !== null) return execution;
      }
    } catch (thrown) {
      // The operation met a step of an earlier attempt that nobody may repeat.
      if (!(thrown instanceof OutcomeUnknownError) || thrown.recordName !== null) throw thrown;
      noteOutcome(this.request, 'outcome_unknown');
      return { kind: 'outcome_unknown', retryAfterMs: thrown.retryAfterMs, recordName: this.request.recordName };
    }
  }

  /** A completed record is final, so a replay needs no transaction. Null: nothing is final yet; what the transaction finds decides. */
  async #readCompleted(): Promise<NotAcquired | null> {
    const { port, request } = this;
    const storeClient = this.#storeClient;
    const read = port.read?.bind(port);
    if (read === undefined || storeClient.runningTransactions.has(request.recordName)) return null;
    const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
    const found = await storeClient.callWithRetry('read', request, () => read(request.recordName), endsAt);
    return found.record?.state === 'completed' ? standingOf(request, found) : null;
  }

  /** Tries again to begin, within the deadline of the store: a connection of a pool may have died while nobody used it. */
  async #attempt(work: Work<T>, recordsFinalErrors: boolean): Promise<TransactionEnd<T>> {
    const storeClient = this.#storeClient;
    const endsAt = monotonicMs() + storeClient.store.callTimeoutMs;
    for (let failures = 0; ; failures += 1) {
      if (storeClient.runningTransactions.has(this.request.recordName)) return { kind: 'standing', standing: busy };
      const options = { beginWithinMs: Math.max(1, endsAt - monotonicMs()), recordsFinalErrors };
      const end = await new TransactionAttempt(storeClient, this.request, work, this.port, options).run();
      if (end.kind !== 'not_begun') return end;
      const pauseMs = backoffMs(failures, callBackoff);
      const mayRetry = end.error instanceof StoreError && isRetryable(end.error.class);
      if (!mayRetry || monotonicMs() + pauseMs >= endsAt) throw end.error;
      await pause(pauseMs);
    }
  }

  /** Null: the work may run again. */
  async #handleEnd(end: TransactionEnd<T>): Promise<Execution<T> | NotStarted | null> {
    switch (end.kind) {
      case 'executed':
        if (end.recorded) this.#storeClient.waits.wake(this.request.recordName);
        return end;
      case 'not_started':
        noteOutcome(this.request, 'not_started');
        return end;
      case 'standing':
        return await this.#refuseOrWait(end.standing);
      case 'overtaken':
        return this.#refuse(await this.#readStanding());
      case 'not_begun':
        throw end.error;
      case 'final_error':
        return await this.#handleEnd(await this.#attempt({ ...this.work, run: async () => end.value }, true));
      case 'conflict':
        this.#conflicts += 1;
        if (this.#conflicts >= maxRunsInConflict || this.work.isRepeatable !== true) throw end.error;
        await pause(backoffMs(this.#conflicts, conflictBackoff));
        return null;
    }
  }

  #refuse(standing: NotAcquired): Execution<T> {
    return toExecution(this.#storeClient, this.request, this.work, standing);
  }

  async #readStanding(): Promise<NotAcquired> {
    const found = await this.#inspect();
    return standingOf(this.request, found) ?? busy;
  }

  #inspect() {
    const inspect = () => this.port.inspect(this.request.recordName);
    return this.#storeClient.call('inspect', this.request, inspect);
  }

  /** Waits outside of any transaction, so that a caller that waits holds no connection. */
  async #refuseOrWait(standing: NotAcquired): Promise<Execution<T> | null> {
    const { onInProgress } = this.request.policy;
    if (standing.kind !== 'in_progress' || onInProgress === 'reject') return this.#refuse(standing);
    const waitMs = this.#startedAt + onInProgress.waitMs - monotonicMs();
    if (waitMs <= 0) return this.#refuse(standing);
    const policy = { ...this.request.policy, onInProgress: { ...onInProgress, waitMs } };
    const poll = async () => {
      const found = await this.#inspect();
      const standingNow = standingOf(this.request, found);
      if (standingNow !== null && standingNow.kind !== 'in_progress') return standingNow;
      return found.isAlone && standingNow === null ? free : (standingNow ?? busy);
    };
    const request = { ...this.request, policy };
    const last = await awaitOutcome<NotAcquired | Free>(
      this.#storeClient,
      request,
      'acquirer',
      standing,
      poll,
      this.work,
    );
    return last.kind === 'free' ? null : this.#refuse(last);
  }
}

/** No transaction has claimed the key, and the record allows a run. */
interface Free {
  readonly kind: 'free';
}

const free: Free = Object.freeze({ kind: 'free' });
