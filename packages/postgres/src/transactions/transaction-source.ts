// What the store needs of a library that makes transactions.
import { ConfigurationError } from '@onceguard/core';
import type { RowsClient } from '../sql-client.js';

/** How a library makes transactions. `pgTransactions` and its siblings return one; for any other library write these members. */
export interface TransactionSource<Tx> {
  /**
   * Begins a transaction, commits it when `work` has resolved, rolls it back when `work` has rejected, and then rejects. Resolves with
   * the result of `work`, and only after the server has acknowledged the COMMIT.
   */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Runs one statement in the transaction. */
  client(tx: Tx): RowsClient;
  /**
   * Whether `run` rejects if the server answers ROLLBACK to COMMIT, as it does after a failed statement. Most libraries do not look.
   * Default false: the store reads the record after each commit, which costs a statement.
   */
  readonly checksCommit?: boolean;
}

/** Default: that of the database. */
export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable';

export const sourceRule = 'it must be what pgTransactions(pool) or one of its siblings returns, or { run, client }';

export function isSource(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ['run', 'client'].every((name) => typeof Reflect.get(value, name) === 'function');
}

export function checkSource<Tx>(source: TransactionSource<Tx>): TransactionSource<Tx> {
  if (isSource(source)) return source;
  throw new ConfigurationError(
    'option_invalid',
    `transactions(): the source is of type ${typeof source}; ${sourceRule}.`,
  );
}
