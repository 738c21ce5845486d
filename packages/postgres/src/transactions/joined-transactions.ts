// Transactions whose first statements travel with BEGIN and whose last one travels with COMMIT, so that they cost no round trips.
import type { SqlValue } from '@onceguard/core/sql';
import type { TransactionSource } from './transaction-source.js';

export interface SqlStatement {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** What a source can do beside `run` and `client`, if its library sends statements without waiting for replies. */
export interface JoinedTransactions<Tx> {
  /**
   * Begins a transaction together with the statements `first`, and gives `work` their rows. Commits it together with the statement `last`
   * that `work` resolves with, and rolls back if that one fails. The rest is as in `run` of a source.
   */
  run<T>(first: readonly SqlStatement[], work: JoinedWork<Tx, T>): Promise<T>;
  /** A pooler has lost a prepared statement: the source goes on without them. */
  stopPreparing(): void;
}

export type JoinedWork<Tx, T> = (tx: Tx, rows: readonly (readonly unknown[])[]) => Promise<JoinedEnd<T>>;

export interface JoinedEnd<T> {
  readonly result: T;
  readonly last: SqlStatement | null;
}

/** By source, and no member of it: a source that somebody copies and changes gets its own `run` and `client` called. */
const joinedBySource = new WeakMap<object, unknown>();

export function joinTransactions<Tx>(source: TransactionSource<Tx>, joined: JoinedTransactions<Tx>): void {
  joinedBySource.set(source, joined);
}

/** Null: the source has only `run` and `client`. */
export function joinedTransactionsOf<Tx>(source: TransactionSource<Tx>): JoinedTransactions<Tx> | null {
  return (joinedBySource.get(source) as JoinedTransactions<Tx> | undefined) ?? null;
}
