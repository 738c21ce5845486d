// One attempt in a transaction: claim the key, run, write the record, commit. Nothing of it stays unless the commit does.
import { ConfigurationError, IdempotencyError, LeaseLostError, StoreError } from '../errors.js';
import type {
  ClaimedRecord,
  ClaimedTransaction,
  RecordTransaction,
  TransactionPort,
} from '../store/transaction-port.js';
import type { NotAcquired } from './acquisition.js';
import { AttemptContext } from './attempt-context.js';
import { AttemptDeadline } from './attempt-deadline.js';
import { verifySteps } from './checksum.js';
import { findCommitStatus } from './commit-status.js';
import type { AttemptState, ExecutionRequest, Work } from './execution.js';
import { openTransactions } from './open-transactions.js';
import { createOwnerToken } from './owner-token.js';
import type { StoreClient } from './store-client.js';
import { monotonicMs } from './time.js';
import { guardClient } from './transaction-client.js';
import { TransactionContext } from './transaction-context.js';
import type { TransactionAttemptOptions, TransactionEnd } from './transaction-end.js';
import { conflictError, noReplyError, refusedError, timeoutError } from './transaction-errors.js';
import { TransactionEvents } from './transaction-events.js';
import { type Completed, completeRecord, type Granted, grant } from './transaction-grant.js';

/** Makes the library roll back. What follows is kept apart, because a library may reject with another error. */
class Rollback extends Error {}

type Phase = 'beginning' | 'working' | 'recording' | 'committing';

export class TransactionAttempt<T> implements AttemptState {
  nothingHappened = false;
  readonly #ownerToken = createOwnerToken();
  readonly #abortController = new AbortController();
  readonly #deadline = new AttemptDeadline();
  readonly #events: TransactionEvents;
  #phase: Phase = 'beginning';
  /** What follows once the library has rolled back, or committed. Null: nobody knows yet. */
  #end: TransactionEnd<T> | null = null;
  #thrown: { readonly error: unknown } | null = null;
  #hasOperationEnded = false;
  #publishExecuted: () => void = () => {};

  constructor(
    private readonly storeClient: StoreClient,
    private readonly request: ExecutionRequest,
    private readonly work: Work<T>,
    private readonly port: TransactionPort,
    private readonly options: TransactionAttemptOptions,
  ) {
    this.#events = new TransactionEvents(storeClient, request);
  }

  /** Whether the operation must not use its transaction any more. */
  get isOver(): boolean {
    return this.#hasOperationEnded || this.#deadline.error !== null;
  }

  /** Rejects with what the operation throws, and with an `IdempotencyError` where the database fails. Nothing happened then. */
  async run(): Promise<TransactionEnd<T>> {
    const notBegun = 'No transaction began in time; nothing was run.';
    this.#deadline.start(this.options.beginWithinMs, () => new StoreError('unavailable', notBegun));
    try {
      const { recordName, policy } = this.request;
      const limits = { maxStatementMs: policy.maxExecutionMs };
      const running = this.port.runClaimed(recordName, limits, (...given) => this.#runWithin(...given));
      running.catch(() => {});
      const end = await Promise.race([running, this.#deadline.exceeded]);
      this.#publishExecuted();
      return end;
    } catch (error) {
      return await this.#endAfterFailure(error);
    } finally {
      this.#deadline.stop();
      this.#hasOperationEnded = true;
      if (this.#phase !== 'beginning') this.storeClient.runningTransactions.delete(this.request.recordName);
    }
  }

  async #runWithin(transaction: ClaimedTransaction, claimed: ClaimedRecord): Promise<TransactionEnd<T>> {
    const { storeClient, work } = this;
    this.#deadline.assertNotExceeded();
    const claimedAt = monotonicMs();
    const granted = this.#grant(claimed);
    if (granted.kind !== 'granted') throw this.#rollBack({ kind: 'standing', standing: granted });
    if (work.canStart?.() === false) throw this.#rollBack({ kind: 'not_started' });
    const value = await this.#runOperation(transaction, granted);
    this.#hasOperationEnded = true;
    const settlement = work.settle(value);
    if (settlement.as !== 'done') throw this.#rollBackUnrecorded(value, granted);
    if (settlement.kind === 'error' && !this.options.recordsFinalErrors)
      throw this.#rollBack({ kind: 'final_error', value });
    await this.#record(transaction, granted, settlement, Math.floor(claimed.now + monotonicMs() - claimedAt));
    // From here on the COMMIT may be on its way.
    this.#phase = 'committing';
    this.#deadline.start(storeClient.store.callTimeoutMs, noReplyError);
    this.#end = { kind: 'executed', value, recorded: true, attempt: granted.lease.attempt };
    return this.#end;
  }

  #grant(claimed: ClaimedRecord): Granted | NotAcquired {
    const { request, storeClient } = this;
    const { clock, fencingTokens } = storeClient;
    clock.observe(claimed.now);
    const granted = grant(request, claimed, this.#ownerToken, fencingTokens.highest(request.recordName));
    if (granted.kind !== 'granted') return granted;
    fencingTokens.observe(request.recordName, granted.lease.fencingToken);
    if (request.trace !== undefined) request.trace.attempt = granted.lease.attempt;
    return granted;
  }

  async #runOperation(transaction: RecordTransaction, { lease, record }: Granted): Promise<T> {
    const { request, storeClient, work, port } = this;
    const { maxExecutionMs } = request.policy;
    const inheritedSteps = storeClient.verify('acquire', request, () => verifySteps(request.recordName, record.steps));
    this.#phase = 'working';
    storeClient.runningTransactions.add(request.recordName);
    const abort = () => this.#abort('the work took longer than maxExecutionMs');
    this.#deadline.start(maxExecutionMs, () => timeoutError(maxExecutionMs), abort);
    this.#events.publishAcquired(lease);
    const source = new TransactionContext({
      request,
      lease,
      inheritedSteps,
      subject: this.#events.recordSubject,
      signal: this.#abortController.signal,
      isOver: () => this.isOver,
      markNothingHappened: () => {
        this.nothingHappened = true;
      },
      enqueue: (message) => transaction.enqueue(message),
    });
    const context = new AttemptContext(source);
    port.bind(
      context,
      guardClient(transaction.client, () => this.isOver),
    );
    const running = openTransactions().run(this, () => this.#call(() => work.run(context, this)));
    return await Promise.race([running, this.#deadline.exceeded]);
  }

  /** Remembers what the operation throws: a library may reject with another error. */
  async #call(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      if (this.#deadline.error === null) this.#thrown = { error };
      throw error;
    }
  }

  async #record(transaction: ClaimedTransaction, granted: Granted, settlement: Completed, now: number): Promise<void> {
    const { request, storeClient } = this;
    const { callTimeoutMs } = storeClient.store;
    const notWritten = `The record was not written within ${callTimeoutMs} ms; nothing happened.`;
    this.#phase = 'recording';
    this.#deadline.start(callTimeoutMs, () => new StoreError('unavailable', notWritten));
    const next = completeRecord(request, granted, settlement, now);
    const isWritten = await transaction.replace(next);
    this.#deadline.assertNotExceeded();
    if (!isWritten) throw this.#rollBack({ kind: 'overtaken' });
    this.#publishExecuted = () => this.#events.publishExecuted(settlement, next.outcome?.byteLength ?? null);
  }

  #abort(why: string): void {
    this.#abortController.abort(new LeaseLostError(why));
  }

  #rollBack(end: TransactionEnd<T>): Rollback {
    this.#end = end;
    return new Rollback('onceguard rolls this transaction back.');
  }

  #rollBackUnrecorded(value: T, { lease }: Granted): Rollback {
    const isStillRunning = (this.work.whenStopped?.(value) ?? null) !== null;
    if (isStillRunning) this.#abort('its transaction was rolled back');
    return this.#rollBack({ kind: 'executed', value, recorded: false, attempt: lease.attempt });
  }

  async #endAfterFailure(error: unknown): Promise<TransactionEnd<T>> {
    if (this.#phase === 'committing') return await this.#endAfterCommitFailure(error);
    if (this.#end !== null) {
      if (this.#end.kind === 'executed') this.#events.publishReleased(this.nothingHappened);
      return this.#end;
    }
    if (this.#thrown !== null) return this.#endAfterThrow(this.#thrown.error);
    if (error instanceof IdempotencyError) {
      if (error.code === 'transaction_timeout') this.#events.publishFailed(error, error);
      throw error;
    }
    const failure = this.port.failureOf(error);
    if (failure === 'conflict') return this.#conflict(error);
    if (failure === 'refused' && this.#phase === 'recording') throw this.#refused(error);
    if (this.#phase === 'beginning')
      return { kind: 'not_begun', error: this.#storeError('begin a transaction', error) };
    throw this.#storeError('write the record', error);
  }

  #endAfterThrow(thrown: unknown): TransactionEnd<T> {
    if (this.port.failureOf(thrown) === 'conflict') return this.#conflict(thrown);
    this.#events.publishReleased(this.nothingHappened);
    throw thrown;
  }

  /** The database said that nothing was committed, or it is found out. */
  async #endAfterCommitFailure(error: unknown): Promise<TransactionEnd<T>> {
    const { port, request, storeClient } = this;
    const failure = port.failureOf(error);
    if (failure === 'conflict') return this.#conflict(error);
    if (failure === 'refused') throw this.#refused(error);
    // The record was to be written together with the COMMIT.
    if (failure === 'overtaken') return { kind: 'overtaken' };
    if (error instanceof ConfigurationError) throw error;
    const status = await findCommitStatus(storeClient, request, port, this.#ownerToken);
    if (status.kind === 'standing') return status;
    if (status.kind === 'rolled_back' || this.#end === null) return this.#conflict(error);
    this.#publishExecuted();
    return this.#end;
  }

  #conflict(cause: unknown): TransactionEnd<T> {
    const error = conflictError(cause);
    this.#events.publishFailed(error, cause);
    return { kind: 'conflict', error };
  }

  #refused(cause: unknown): IdempotencyError {
    const error = refusedError(cause);
    this.#events.publishFailed(error, cause);
    return error;
  }

  /** The error as operators and callers get it, after it was published. */
  #storeError(what: string, cause: unknown): unknown {
    const error = this.port.toStoreError(what, cause);
    try {
      return this.storeClient.verify('transaction', this.request, () => {
        throw error;
      });
    } catch (published) {
      return published;
    }
  }
}
