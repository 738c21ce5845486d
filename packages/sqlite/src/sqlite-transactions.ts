// The port for transactions on SQLite: the operation gets the connection of the store, within the one transaction that writes.
import { ConfigurationError, type StoreError } from '@onceguard/core';
import { TransactionContexts } from '@onceguard/core/sql';
import {
  type Checkpoint,
  type CheckpointReply,
  type ClaimedRecord,
  type ClaimedTransaction,
  type IdempotencyStore,
  type Lease,
  idempotencyProtocol as protocol,
  type RecordTransaction,
  type StoredRecord,
  type TransactionFailure,
  type TransactionLimits,
  type TransactionPort,
} from '@onceguard/core/store';
import type { RecordTable } from './record-table.js';
import type { SqliteDatabase } from './sqlite-database.js';
import { toStoreError, transactionFailure } from './sqlite-error.js';
import type { TransactionQueue } from './transaction-queue.js';

interface Parts {
  readonly store: IdempotencyStore;
  readonly database: SqliteDatabase;
  readonly table: RecordTable;
  readonly queue: TransactionQueue;
  readonly now: () => number;
}

export class SqliteTransactions implements TransactionPort<SqliteDatabase> {
  readonly store: IdempotencyStore;
  readonly #parts: Parts;
  readonly #contexts = new TransactionContexts<SqliteDatabase>();

  constructor(parts: Parts) {
    this.store = parts.store;
    this.#parts = parts;
  }

  of(context: object): SqliteDatabase {
    return this.#contexts.of(context);
  }

  bind(context: object, client: SqliteDatabase): void {
    this.#contexts.bind(context, client);
  }

  async run<T>(work: (transaction: RecordTransaction<SqliteDatabase>) => Promise<T>): Promise<T> {
    return await this.#parts.queue.transaction(() => work(new SqliteRecordTransaction(this.#parts)));
  }

  async runClaimed<T>(
    key: string,
    _limits: TransactionLimits,
    work: (transaction: ClaimedTransaction<SqliteDatabase>, claimed: ClaimedRecord) => Promise<T>,
  ): Promise<T> {
    return await this.#parts.queue.transaction(() => {
      const transaction = new SqliteRecordTransaction(this.#parts);
      return work(transaction, transaction.claim(key));
    });
  }

  failureOf(error: unknown): TransactionFailure {
    return transactionFailure(error);
  }

  toStoreError(what: string, error: unknown): StoreError {
    return toStoreError(what, error);
  }

  async inspect(key: string): Promise<ClaimedRecord> {
    const { queue, table, now } = this.#parts;
    const looked = queue.lookNow('inspect', () => ({ now: now(), record: table.get(key) }));
    return looked === null
      ? { now: now(), record: null, isAlone: false }
      : { ...looked.found, isAlone: looked.isAlone };
  }
}

/** Nobody else writes while it lasts, so what was read still stands when it is written. */
class SqliteRecordTransaction implements ClaimedTransaction<SqliteDatabase> {
  readonly client: SqliteDatabase;
  readonly #parts: Parts;
  #claimed: { readonly key: string; readonly record: StoredRecord | null } | null = null;

  constructor(parts: Parts) {
    this.client = parts.database;
    this.#parts = parts;
  }

  claim(key: string): ClaimedRecord {
    const { table, now } = this.#parts;
    const record = table.get(key);
    this.#claimed = { key, record };
    return { now: now(), record, isAlone: true };
  }

  async replace(next: StoredRecord): Promise<boolean> {
    if (this.#claimed === null) return false;
    this.#assertOpen();
    this.#parts.table.put(this.#claimed.key, this.#claimed.record, next);
    return true;
  }

  async checkpoint(lease: Lease, checkpoint: Checkpoint): Promise<CheckpointReply> {
    this.#assertOpen();
    const { table, now } = this.#parts;
    const before = table.get(lease.key);
    const { record, reply } = protocol.checkpoint(before, lease, checkpoint, now());
    if (record !== null && record !== before) table.put(lease.key, before, record);
    return reply;
  }

  enqueue(): Promise<void> {
    const remedy = 'Write the message into a table of your own, within the transaction';
    return Promise.reject(new ConfigurationError('argument_invalid', `SqliteStore has no outbox. ${remedy}.`));
  }

  /** Within a transaction SQLite refuses to begin another one. */
  #assertOpen(): void {
    const { database } = this.#parts;
    try {
      database.exec('BEGIN');
    } catch {
      return;
    }
    database.exec('ROLLBACK');
    const why = 'by a COMMIT or ROLLBACK of the operation, or by SQLite after an error that the operation has caught';
    const remedy = 'Leave both out, and let errors of SQLite reach the end';
    throw new ConfigurationError(
      'transaction_over',
      `The transaction has ended before its operation: ${why}. ${remedy}.`,
    );
  }
}
