// The port for transactions on PostgreSQL: an advisory lock says who is at work, and the record is written by look and swap.
import { createHash, randomUUID } from 'node:crypto';
import { ConfigurationError, type StoreError } from '@onceguard/core';
import { type SqlRow, TransactionContexts, withDeadline } from '@onceguard/core/sql';
import type {
  ClaimedRecord,
  ClaimedTransaction,
  FoundRecord,
  IdempotencyStore,
  RecordTransaction,
  TransactionFailure,
  TransactionLimits,
  TransactionPort,
} from '@onceguard/core/store';
import { refusesPreparedStatements, toStoreError, transactionFailure } from '../postgres-error.js';
import { RecordTable } from '../record-table.js';
import { createSqlClient, type SqlClient } from '../sql-client.js';
import type { Statements } from '../statements.js';
import { type JoinedTransactions, joinedTransactionsOf } from './joined-transactions.js';
import { rolledBackError } from './pg-transactions.js';
import {
  claimStatements,
  meaningOfWriteError,
  OvertakenError,
  PostgresRecordTransaction,
  type WrittenRecord,
} from './postgres-record-transaction.js';
import type { TransactionSource } from './transaction-source.js';

export interface PostgresTransactionsOptions<Tx> {
  readonly store: IdempotencyStore;
  readonly source: TransactionSource<Tx>;
  readonly statements: Statements;
  readonly statementsWithin: Statements;
  /** The client of the store, which is outside of every transaction. */
  readonly outside: SqlClient;
  /** Names the table of records: stores that share a database have locks of their own. */
  readonly tableName: string;
  /** A pooler has lost a prepared statement of the source. */
  onPrepareRefused(): void;
}

type ClaimedWork<Tx, T> = (transaction: ClaimedTransaction<Tx>, claimed: ClaimedRecord) => Promise<T>;

export class PostgresTransactions<Tx> implements TransactionPort<Tx> {
  readonly store: IdempotencyStore;
  readonly #options: PostgresTransactionsOptions<Tx>;
  readonly #contexts = new TransactionContexts<Tx>();
  readonly #outsideTable: RecordTable;
  /** Resolves when the source was found to be on the database of the store. Null: not checked yet. */
  #checked: Promise<void> | null = null;

  constructor(options: PostgresTransactionsOptions<Tx>) {
    this.store = options.store;
    this.#options = options;
    this.#outsideTable = new RecordTable(options.outside, options.statements);
  }

  of(context: object): Tx {
    return this.#contexts.of(context);
  }

  bind(context: object, client: Tx): void {
    this.#contexts.bind(context, client);
  }

  async run<T>(work: (transaction: RecordTransaction<Tx>) => Promise<T>): Promise<T> {
    await this.#checkOnce();
    return await this.#options.source.run((tx) => work(this.#within(tx)));
  }

  async runClaimed<T>(key: string, limits: TransactionLimits, work: ClaimedWork<Tx, T>): Promise<T> {
    await this.#checkOnce();
    const joined = joinedTransactionsOf(this.#options.source);
    return joined === null
      ? await this.#runInTurn(key, limits, work)
      : await this.#runJoined(joined, key, limits, work);
  }

  /** Each statement waits for the reply to the one before. */
  async #runInTurn<T>(key: string, limits: TransactionLimits, work: ClaimedWork<Tx, T>): Promise<T> {
    const { source } = this.#options;
    let written: WrittenRecord | null = null;
    const result = await source.run(async (tx) => {
      const transaction = this.#within(tx);
      const value = await work(transaction, await transaction.claim(key, limits));
      written = transaction.written;
      return value;
    });
    if (source.checksCommit !== true && written !== null) await this.#assertCommitted(written);
    return result;
  }

  /** The claim travels with BEGIN, and the record with COMMIT. */
  async #runJoined<T>(
    joined: JoinedTransactions<Tx>,
    key: string,
    limits: TransactionLimits,
    work: ClaimedWork<Tx, T>,
  ): Promise<T> {
    const progress: { phase: 'beginning' | 'working' | 'ending' } = { phase: 'beginning' };
    const first = claimStatements(this.#options.statements, this.#lockOf, key, limits);
    const run = () =>
      joined.run(first, async (tx, rows) => {
        progress.phase = 'working';
        const transaction = this.#within(tx, true);
        const result = await work(transaction, await transaction.onClaimed(key, rows as (readonly SqlRow[])[]));
        progress.phase = 'ending';
        return { result, last: transaction.last };
      });
    try {
      return await run();
    } catch (error) {
      // An error of the operation says nothing about the statements of the store.
      if (progress.phase === 'working') throw error;
      if (!refusesPreparedStatements(error)) throw meaningOfWriteError(error);
      joined.stopPreparing();
      this.#options.onPrepareRefused();
      if (progress.phase === 'ending') throw error;
      return await run();
    }
  }

  failureOf(error: unknown): TransactionFailure {
    return error instanceof OvertakenError ? 'overtaken' : transactionFailure(error);
  }

  toStoreError(what: string, error: unknown): StoreError {
    return toStoreError(what, error);
  }

  async read(key: string): Promise<FoundRecord> {
    try {
      return await this.#outsideTable.look(key);
    } catch (error) {
      throw toStoreError('read', error);
    }
  }

  async inspect(key: string): Promise<ClaimedRecord> {
    try {
      const { outside, statements } = this.#options;
      const [row] = await outside.rows(statements.tryLock, [this.#lockOf(key)]);
      const { now, record } = await this.#outsideTable.read(key);
      return { now, record, isAlone: row?.is_alone === true };
    } catch (error) {
      throw toStoreError('inspect', error);
    }
  }

  #within(tx: Tx, writesAtCommit = false): PostgresRecordTransaction<Tx> {
    const { source, statementsWithin: statements } = this.#options;
    const rows = createSqlClient(source.client(tx), { prepare: false, onPrepareRefused: () => {} });
    return new PostgresRecordTransaction(tx, { rows, statements, writesAtCommit, lockOf: this.#lockOf });
  }

  readonly #lockOf = (name: string): string => {
    return createHash('sha256').update(`${this.#options.tableName} ${name}`).digest().readBigInt64BE(0).toString();
  };

  /** A library that takes ROLLBACK for a COMMIT would report an effect that is not there. */
  async #assertCommitted({ key, ownerToken }: WrittenRecord): Promise<void> {
    const { record } = await this.#outsideTable.look(key);
    if (record?.ownerToken !== ownerToken) throw rolledBackError();
  }

  #checkOnce(): Promise<void> {
    this.#checked ??= this.#check().catch((error: unknown) => {
      this.#checked = null;
      throw error;
    });
    return this.#checked;
  }

  /** Takes a lock in a transaction of the source, which the client of the store must find taken. */
  async #check(): Promise<void> {
    const { source, outside, statements } = this.#options;
    // Before the engine gives up, so that the error names the remedy.
    const timeoutMs = Math.ceil(this.store.callTimeoutMs / 2);
    const values = [this.#lockOf(`probe ${randomUUID()}`)];
    const tryLockOutside = () => outside.rows(statements.tryLock, values);
    const row = await source.run(async (tx) => {
      await source.client(tx).rows(statements.tryLock, values);
      const [first] = await withDeadline(timeoutMs, noFreeConnection, tryLockOutside);
      return first;
    });
    if (row?.is_alone === false) return;
    const remedy = 'Give both the same database, and a source whose client(tx) runs statements in the transaction';
    throw new ConfigurationError(
      'option_invalid',
      `transactions(): a lock of a transaction is not there for the client of the store. ${remedy}.`,
    );
  }
}

const noFreeConnection = () =>
  'The client of the store did not reply while a transaction was open. Give the store a pool of its own: PostgresStore.connect(url).';
