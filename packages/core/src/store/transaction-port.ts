// The port for transactions: how the engine puts the effect of the work and its record into one transaction of the user's database.
import type { Checkpoint, CheckpointReply, Lease } from '../protocol/messages.js';
import type { StoredRecord } from '../protocol/record.js';
import type { IdempotencyStore } from './port.js';

/**
 * Transactions of the user's own library, on the database that keeps the records. `store.transactions(…)` of a store returns one, and the
 * option `transaction` takes it. `Tx` is what the library calls a transaction: a `PoolClient` of pg, the `tx` of Drizzle.
 *
 * The transaction takes the place of the lease. A lock that ends with it says who is at work, and one commit keeps both the effect and
 * the record, or neither. So there is no unknown outcome.
 *
 * @example
 * const transaction = store.transactions(pgTransactions(pool));
 * const pay = makeIdempotent(async (order: { id: string }, context) => {
 *   await transaction.of(context).query('INSERT INTO payments …', [order.id]);
 * }, { store, scope: 'orders', key: (order) => order.id, transaction });
 */
export interface TransactionPort<Tx = unknown> {
  /** The store that keeps the records. */
  readonly store: IdempotencyStore;
  /**
   * The transaction of the attempt that this context belongs to. Throws a `ConfigurationError`: `transaction_missing` where the context has
   * none. What it returns refuses every call after the operation has ended (`transaction_over`).
   */
  of(context: object): Tx;
  /** Makes `of(context)`, and `of` of every copy of the context, return `client`. */
  bind(context: object, client: Tx): void;
  /**
   * Begins a transaction, commits it when `work` has resolved, and rolls it back when `work` has rejected. Resolves only after the
   * database has acknowledged the commit. Rejects with what the library rejects with; `failureOf` says what that means.
   */
  run<T>(work: (transaction: RecordTransaction<Tx>) => Promise<T>): Promise<T>;
  /**
   * The same for an attempt that takes the place of a lease: claims the key first, which never waits for another transaction, and gives
   * `work` what was found. `limits` bounds what the database spends on a transaction of a vanished owner.
   */
  runClaimed<T>(
    key: string,
    limits: TransactionLimits,
    work: (transaction: ClaimedTransaction<Tx>, claimed: ClaimedRecord) => Promise<T>,
  ): Promise<T>;
  /** What an error of `run` says about the transaction. */
  failureOf(error: unknown): TransactionFailure;
  /** The error as a `StoreError`, which names neither a statement nor a value of it. */
  toStoreError(what: string, error: unknown): Error;
  /**
   * What is on record, from outside of every transaction and without a lock. A completed record is a replay, which needs no transaction
   * then. Missing where a transaction costs no more than that. Rejects with a `StoreError`.
   */
  read?(key: string): Promise<FoundRecord>;
  /**
   * From outside of every transaction: whether one is open that has claimed the key, and what is on record. The record is read after
   * the lock was free, so it has what a transaction left that has ended. Rejects with a `StoreError`.
   */
  inspect(key: string): Promise<ClaimedRecord>;
}

/**
 * - `conflict`: rolled back because of other transactions; the same work may succeed if it runs again.
 * - `refused`: the database itself has rolled it back.
 * - `overtaken`: rolled back because somebody else has written the record that was claimed.
 * - `in_doubt`: a commit that was on its way may have happened.
 */
export type TransactionFailure = 'conflict' | 'refused' | 'overtaken' | 'in_doubt';

/** The side of one transaction that concerns the record. */
export interface RecordTransaction<Tx = unknown> {
  /** The transaction, as the user's library gave it. */
  readonly client: Tx;
  /** Records a step of an attempt that has a lease outside of this transaction. */
  checkpoint(lease: Lease, checkpoint: Checkpoint): Promise<CheckpointReply>;
  /** Writes a message that exists exactly if the transaction commits. */
  enqueue(message: OutboxMessage): Promise<void>;
}

/** A transaction that has claimed a key. */
export interface ClaimedTransaction<Tx = unknown> extends RecordTransaction<Tx> {
  /**
   * The last call: writes the record of the claimed key, if what was found still stands. False: somebody came between, and nothing was
   * written. A port may also write it together with the COMMIT; then `runClaimed` rejects, and the failure is `overtaken`.
   */
  replace(next: StoredRecord): Promise<boolean>;
}

export interface TransactionLimits {
  /** A statement is ended after this many milliseconds, unless the connection has a limit of its own. */
  readonly maxStatementMs: number;
}

export interface FoundRecord {
  /** The clock of the database. */
  readonly now: number;
  /** Null: there is none. It may have expired. Its steps are in it where the key was claimed. */
  readonly record: StoredRecord | null;
}

export interface ClaimedRecord extends FoundRecord {
  /** Whether no other transaction has claimed the key. */
  readonly isAlone: boolean;
}

/** A message to other systems, which a relay publishes after the commit. */
export interface OutboxMessage {
  /** A UUID. The same message of the same work has the same id in every attempt. */
  readonly id: string;
  /** The name of the record. */
  readonly record: string;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** Messages with the same ordering key are published one after the other, in the order of their commits. */
  readonly orderingKey: string;
}
