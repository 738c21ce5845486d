// The side of one transaction that concerns the record: the lock of its name, the record as it stands, and what is written at the end.
import { ConfigurationError, StoreError } from '@onceguard/core';
import type { SqlRow } from '@onceguard/core/sql';
import type {
  Checkpoint,
  CheckpointReply,
  ClaimedRecord,
  ClaimedTransaction,
  Lease,
  OutboxMessage,
  StoredRecord,
  TransactionLimits,
} from '@onceguard/core/store';
import { HotVerbs } from '../hot-verbs.js';
import { notWritten, toStoreError } from '../postgres-error.js';
import type { Look } from '../record-row.js';
import { RecordTable } from '../record-table.js';
import type { SqlClient } from '../sql-client.js';
import type { Statements } from '../statements.js';
import type { SqlStatement } from './joined-transactions.js';

export interface RecordTransactionOptions {
  /** Runs statements in the transaction. */
  readonly rows: SqlClient;
  readonly statements: Statements;
  /** Whether the record is written together with the COMMIT, by the statement `last`. */
  readonly writesAtCommit: boolean;
  /** The number of the advisory lock for a name. */
  lockOf(name: string): string;
}

/** What says that a transaction was committed. */
export interface WrittenRecord {
  readonly key: string;
  readonly ownerToken: string;
}

/** Somebody else has written the record that this transaction had claimed. */
export class OvertakenError extends Error {}

export class PostgresRecordTransaction<Tx> implements ClaimedTransaction<Tx> {
  written: WrittenRecord | null = null;
  last: SqlStatement | null = null;
  readonly #options: RecordTransactionOptions;
  readonly #table: RecordTable;
  readonly #hot: HotVerbs;
  #claimed: { readonly key: string; readonly look: Look } | null = null;

  constructor(
    readonly client: Tx,
    options: RecordTransactionOptions,
  ) {
    this.#options = options;
    this.#table = new RecordTable(options.rows, options.statements, { inTransaction: true });
    this.#hot = new HotVerbs(this.#table, options.statements);
  }

  /** Runs the statements that claim the key. */
  async claim(key: string, limits: TransactionLimits): Promise<ClaimedRecord> {
    const { rows, statements, lockOf } = this.#options;
    const found: (readonly SqlRow[])[] = [];
    for (const { text, values } of claimStatements(statements, lockOf, key, limits))
      found.push(await rows.rows(text, values));
    return await this.onClaimed(key, found);
  }

  /** Takes the rows of the statements that claim the key. */
  async onClaimed(key: string, [claim, found]: readonly (readonly SqlRow[])[]): Promise<ClaimedRecord> {
    const [row] = found ?? [];
    if (row === undefined) throw new StoreError('bug', 'A look in a transaction returned no row.');
    const look = await this.#table.completeLook(key, row);
    this.#claimed = { key, look };
    return { now: look.now, record: look.record, isAlone: claim?.[0]?.is_alone === true };
  }

  async replace(next: StoredRecord): Promise<boolean> {
    if (this.#claimed === null) return false;
    const { key, look } = this.#claimed;
    const statement = this.#table.swapStatement(key, look, next);
    if (this.#options.writesAtCommit) {
      this.last = statement;
      return true;
    }
    try {
      await this.#options.rows.rows(statement.text, statement.values);
    } catch (error) {
      const meaning = meaningOfWriteError(error);
      if (meaning instanceof OvertakenError) return false;
      throw meaning;
    }
    this.written = { key, ownerToken: next.ownerToken };
    return true;
  }

  async checkpoint(lease: Lease, checkpoint: Checkpoint): Promise<CheckpointReply> {
    return await this.#hot.checkpoint(lease, checkpoint);
  }

  async enqueue({ id, record, topic, payload, orderingKey }: OutboxMessage): Promise<void> {
    const { rows, statements, lockOf } = this.#options;
    try {
      // The messages of a claimed record need no lock: only one transaction at a time has claimed it.
      if (orderingKey !== this.#claimed?.key) await rows.rows(statements.lockOrder, [lockOf(`order ${orderingKey}`)]);
      await rows.rows(statements.enqueue, [id, record, topic, orderingKey, payload]);
    } catch (error) {
      throw withRemedy('enqueue a message', error);
    }
  }
}

/** The lock, and then the record by a statement of its own: in the same one the picture would be older than the lock. */
export function claimStatements(
  { claim, look }: Statements,
  lockOf: (name: string) => string,
  key: string,
  { maxStatementMs }: TransactionLimits,
): readonly SqlStatement[] {
  return [
    { text: claim, values: [lockOf(key), maxStatementMs, key] },
    { text: look, values: [key] },
  ];
}

/** What it means that the record was not written. Any other error as it is. */
export function meaningOfWriteError(error: unknown): unknown {
  switch (notWritten(error)) {
    case 'overtaken':
      return new OvertakenError('Somebody else has written the record.');
    case 'not_claimed':
      return endedByOperationError();
    case null:
      return error;
  }
}

/** An operation that ends the transaction itself has committed its effect without a record. */
function endedByOperationError(): ConfigurationError {
  const remedy = 'Leave BEGIN, COMMIT and ROLLBACK to onceguard; for a part of it use SAVEPOINT';
  return new ConfigurationError('transaction_over', `The operation has ended its transaction itself. ${remedy}.`);
}

/** A missing table or right, with its remedy. Any other error as it is: its code says whether the operation may run again. */
function withRemedy(what: string, error: unknown): unknown {
  const storeError = toStoreError(what, error);
  return storeError.class === 'misconfigured' ? storeError : error;
}
