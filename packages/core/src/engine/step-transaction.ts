// A step of an attempt under a lease whose effect and record are one transaction.
import { ConfigurationError, LeaseLostError, StoreError } from '../errors.js';
import type { Checkpoint, Lease } from '../protocol/messages.js';
import type { RecordTransaction, TransactionPort } from '../store/transaction-port.js';
import { addStepChecksum } from './checksum.js';
import type { ExecutionRequest } from './execution.js';
import { openTransactions } from './open-transactions.js';
import { createMessage } from './outbox-message.js';
import type { StepContext } from './step-options.js';
import type { StepInTransaction } from './step-recorder.js';
import type { StoreClient } from './store-client.js';
import { backoffMs, callBackoff, pause } from './time.js';
import { guardClient } from './transaction-client.js';
import { conflictError, maxRunsInConflict, refusedError, transactionOverError } from './transaction-errors.js';
import { isStoreOf } from './transaction-option.js';

/** The attempt that runs the step. */
export interface LeasedAttempt {
  readonly storeClient: StoreClient;
  readonly request: ExecutionRequest;
  readonly lease: Lease;
  readonly signal: AbortSignal;
  assertLeaseValid(): void;
  noteRecordedStep(checkpoint: Checkpoint): void;
}

/**
 * Resolves with the bytes of the step once they are committed. Rejects with what the function throws, with a `LeaseLostError` where the
 * lease is over, and with an `IdempotencyError` where the database refuses. Nothing was committed then, unless the lease was lost while
 * the commit was in doubt: the next attempt reads what is on record.
 */
export async function runStepTransaction(
  attempt: LeasedAttempt,
  port: TransactionPort,
  step: StepInTransaction,
): Promise<Buffer> {
  assertStore(attempt, port, step);
  for (let runs = 1; ; runs += 1) {
    const end = await new StepTransaction(attempt, port, step).run();
    if (end.kind === 'committed') return end.bytes;
    if (runs >= maxRunsInConflict) throw conflictError(end.cause);
    await pause(backoffMs(runs, callBackoff));
    attempt.assertLeaseValid();
  }
}

function assertStore({ request }: LeasedAttempt, port: TransactionPort, { name }: StepInTransaction): void {
  if (isStoreOf(request.store, port.store)) return;
  const remedy = 'Give the step transactions of the store that keeps the record';
  throw new ConfigurationError('option_invalid', `The transaction of the step ${name} is of another store. ${remedy}.`);
}

type StepEnd =
  | { readonly kind: 'committed'; readonly bytes: Buffer }
  | { readonly kind: 'conflict'; readonly cause: unknown };

class StepTransaction {
  #thrown: { readonly error: unknown } | null = null;
  #isOver = false;
  /** What is to be on record. Null: the COMMIT is not on its way. */
  #committing: Buffer | null = null;

  constructor(
    private readonly attempt: LeasedAttempt,
    private readonly port: TransactionPort,
    private readonly step: StepInTransaction,
  ) {}

  get isOver(): boolean {
    return this.#isOver;
  }

  async run(): Promise<StepEnd> {
    const { attempt, port, step } = this;
    const lost = rejectOnAbort(attempt.signal);
    try {
      const running = port.run((transaction) => this.#runWithin(transaction, lost.promise));
      running.catch(() => {});
      const bytes = await Promise.race([running, lost.promise]);
      attempt.noteRecordedStep({ step: step.name, seq: step.seq, bytes });
      return { kind: 'committed', bytes };
    } catch (error) {
      return await this.#endAfterFailure(error);
    } finally {
      this.#isOver = true;
      lost.dispose();
    }
  }

  async #runWithin(transaction: RecordTransaction, lost: Promise<never>): Promise<Buffer> {
    const { attempt, step } = this;
    attempt.assertLeaseValid();
    const bytes = await Promise.race([this.#call(this.#bindContext(transaction)), lost]);
    this.#isOver = true;
    attempt.assertLeaseValid();
    const { recordName } = attempt.request;
    const recorded = addStepChecksum(recordName, step.name, { seq: step.seq, bytes });
    const { kind } = await transaction.checkpoint(attempt.lease, { step: step.name, seq: step.seq, bytes: recorded });
    if (kind !== 'ok') throw new LeaseLostError('another owner has taken over');
    attempt.assertLeaseValid();
    this.#committing = bytes;
    return bytes;
  }

  #bindContext(transaction: RecordTransaction): StepContext {
    const { attempt, port, step } = this;
    let sent = 0;
    const enqueue: StepContext['enqueue'] = async (topic, payload, options) => {
      if (this.#isOver) throw transactionOverError();
      const { recordName } = attempt.request;
      const message = createMessage({ recordName, part: `${step.name} ${sent}`, topic, payload, options });
      sent += 1;
      await transaction.enqueue(message);
      return message.id;
    };
    const context = { ...step.context, enqueue };
    port.bind(
      context,
      guardClient(transaction.client, () => this.#isOver),
    );
    return context;
  }

  /** Remembers what the function throws: a library may reject with another error. */
  async #call(context: StepContext): Promise<Buffer> {
    try {
      return await openTransactions().run(this, () => this.step.run(context));
    } catch (error) {
      this.#thrown = { error };
      throw error;
    }
  }

  async #endAfterFailure(error: unknown): Promise<StepEnd> {
    const { port } = this;
    const cause = this.#thrown === null ? error : this.#thrown.error;
    const failure = port.failureOf(cause);
    if (failure === 'conflict') return { kind: 'conflict', cause };
    if (this.#thrown !== null) throw cause;
    if (this.#committing !== null && failure === 'in_doubt')
      return await this.#findCommitStatus(this.#committing, cause);
    if (cause instanceof LeaseLostError || cause instanceof ConfigurationError || cause instanceof StoreError)
      throw cause;
    if (this.#isOver && failure === 'refused') throw refusedError(cause);
    throw port.toStoreError('run a step in a transaction', cause);
  }

  /**
   * The transaction holds the row of the record until its end, so a renewal waits for that end. Then the step is on record, or it is not.
   * Where the lease is lost before that is known, the next attempt reads the record.
   */
  async #findCommitStatus(bytes: Buffer, cause: unknown): Promise<StepEnd> {
    const { attempt, step } = this;
    const { storeClient, request } = attempt;
    const { store } = storeClient;
    for (let failures = 0; ; failures += 1) {
      attempt.assertLeaseValid();
      try {
        await storeClient.call('renew', request, () => store.renew(attempt.lease, request.policy.leaseMs));
        const { record } = await storeClient.call('read', request, () => store.read(request.recordName));
        if (record?.steps.get(step.name)?.seq !== step.seq) return { kind: 'conflict', cause };
        attempt.noteRecordedStep({ step: step.name, seq: step.seq, bytes });
        return { kind: 'committed', bytes };
      } catch {
        await pause(backoffMs(failures, callBackoff));
      }
    }
  }
}

/** Rejects with the reason of the signal. */
function rejectOnAbort(signal: AbortSignal): { readonly promise: Promise<never>; dispose(): void } {
  let onAbort = () => {};
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  promise.catch(() => {});
  return { promise, dispose: () => signal.removeEventListener('abort', onAbort) };
}
