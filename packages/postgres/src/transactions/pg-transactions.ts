// Transactions of the package pg.
import { startDeadline } from '@onceguard/core/sql';
import { refusesPreparedStatements } from '../postgres-error.js';
import { preparedName, type RowsClient } from '../sql-client.js';
import { type JoinedEnd, joinTransactions, type SqlStatement } from './joined-transactions.js';
import { type PgStatement, type PipeliningClient, sendTogether } from './pg-pipeline.js';
import type { IsolationLevel, TransactionSource } from './transaction-source.js';

export interface PgTransactionOptions {
  /** Default: that of the database, which is `read committed` unless somebody changed it. */
  readonly isolation?: IsolationLevel;
  /**
   * Which statements of the store are prepared under a name, so that they are planned once. By default those that run before the work: if
   * a pooler loses one, nothing has run, and the transaction begins again without. `true`: all. A pooler that loses one after the work
   * makes the transaction roll back. `false`: none.
   */
  readonly prepare?: boolean;
  /**
   * Whether statements of the store travel with BEGIN and COMMIT, where the version of pg can send them so (8.23). Default true. `false` is for a
   * pooler that takes one statement at a time.
   */
  readonly pipeline?: boolean;
}

/** What is used of a client of the pool. */
interface PooledClient extends PipeliningClient {
  release(error?: Error | boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
  off(event: 'error', listener: (error: Error) => void): unknown;
}

/** A `Pool` of pg. Its other overload of `connect` is named, so that the type of the client is inferred from the first. */
export interface PgPool<Client> {
  connect(): Promise<Client>;
  connect(callback: never): void;
}

/** How long BEGIN and COMMIT may take, in milliseconds. After that the connection is closed: nobody waits for it any more. */
const replyTimeoutMs = 10_000;
/** The same for ROLLBACK, which a closed connection replaces. */
const rollbackTimeoutMs = 1_000;

/**
 * Transactions on a `Pool` of pg. An operation gets the `PoolClient`. A connection that fails is closed and not used again.
 *
 * @example
 * const transaction = store.transactions(pgTransactions(pool));
 */
export function pgTransactions<Client>(
  pool: PgPool<Client>,
  { isolation, prepare, pipeline = true }: PgTransactionOptions = {},
): TransactionSource<Client> {
  const begin = isolation === undefined ? 'BEGIN' : `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`;
  let preparesFirst = prepare !== false;
  let preparesOthers = prepare === true;
  const stopPreparing = () => {
    preparesFirst = false;
    preparesOthers = false;
  };
  const runJoined = async <T>(
    first: readonly SqlStatement[],
    work: (client: Client, rows: readonly unknown[][]) => Promise<JoinedEnd<T>>,
  ): Promise<T> => {
    const client = await pool.connect();
    const beginning = [{ text: begin }, ...first.map((statement) => toPgStatement(statement, preparesFirst))];
    return await runOn(client as Client & PooledClient, beginning, pipeline, async (rows) => {
      const { result, last } = await work(client, rows);
      return { result, ending: last === null ? [] : [toPgStatement(last, preparesOthers)] };
    });
  };
  const source: TransactionSource<Client> = {
    checksCommit: true,
    run: async (work) => await runJoined([], async (client) => ({ result: await work(client), last: null })),
    client: (client) => rowsClient(client as Client & PooledClient, () => preparesOthers, stopPreparing),
  };
  joinTransactions(source, { run: runJoined, stopPreparing });
  return source;
}

async function runOn<T>(
  client: PooledClient,
  beginning: readonly PgStatement[],
  mayPipeline: boolean,
  work: (rows: readonly unknown[][]) => Promise<{ readonly result: T; readonly ending: readonly PgStatement[] }>,
): Promise<T> {
  let broken: Error | undefined;
  // A client that was taken out of its pool has no listener: losing its connection would end the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    const begun = await withinMs(replyTimeoutMs, 'BEGIN', sendTogether(client, beginning, mayPipeline));
    const { result, ending } = await work(begun.slice(1).map(({ rows }) => rows));
    const commit = sendTogether(client, [...ending, { text: 'COMMIT' }], mayPipeline);
    const replies = await withinMs(replyTimeoutMs, 'COMMIT', commit);
    // The server answers so, without an error, where a statement has failed before.
    if (replies.at(-1)?.command === 'ROLLBACK') throw rolledBackError();
    return result;
  } catch (error) {
    broken ??= error instanceof NoReplyError ? error : await rollBack(client);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

export function rolledBackError(): Error {
  return Object.assign(new Error('The server answered ROLLBACK to COMMIT.'), { code: '25P02' });
}

/** The error for which the connection must not be used again. Undefined: the transaction was rolled back. */
async function rollBack(client: PooledClient): Promise<Error | undefined> {
  try {
    await withinMs(rollbackTimeoutMs, 'ROLLBACK', client.query({ text: 'ROLLBACK' }));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error('ROLLBACK failed.');
  }
}

class NoReplyError extends Error {
  readonly code = 'ETIMEDOUT';
}

async function withinMs<T>(ms: number, statement: string, pending: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    const error = new NoReplyError(`The server did not answer ${statement} within ${ms} ms.`);
    timer = startDeadline(ms, () => reject(error));
  });
  pending.catch(() => {});
  try {
    return await Promise.race([pending, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

function rowsClient(client: PooledClient, prepares: () => boolean, stopPreparing: () => void): RowsClient {
  return {
    rows: async (text, values) => {
      try {
        return (await client.query(toPgStatement({ text, values }, prepares()))).rows;
      } catch (error) {
        if (refusesPreparedStatements(error)) stopPreparing();
        throw error;
      }
    },
  };
}

function toPgStatement({ text, values }: SqlStatement, isNamed: boolean): PgStatement {
  return { text, values: [...values], ...(isNamed ? { name: preparedName(text) } : {}) };
}
