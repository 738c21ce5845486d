// How statements reach the database: the clients that a store takes, and named prepared statements.
import { createHash } from 'node:crypto';
import type { SqlRow, SqlValue } from '@onceguard/core/sql';
import { refusesPreparedStatements } from './postgres-error.js';

/** `pg`: a Pool, or a Client that nothing else uses. */
export interface PgClient {
  query(config: {
    text: string;
    values: unknown[];
    name?: string;
    query_timeout?: number;
  }): Promise<{ rows: unknown[] }>;
}

/** The function `sql` of the package `postgres` (postgres.js). */
export interface PostgresJsClient {
  unsafe(text: string, values: never[], options?: { prepare?: boolean }): PromiseLike<readonly unknown[]>;
}

/** Any other client. Runs one statement with the placeholders `$1`, `$2`, … by itself, and resolves with its rows as objects. */
export interface RowsClient {
  rows(text: string, values: readonly SqlValue[]): PromiseLike<readonly unknown[]>;
}

export type PostgresClient = PgClient | PostgresJsClient | RowsClient;

/** Runs one statement. Every statement of the store returns rows, because drivers disagree about the count of changed rows. */
export interface SqlClient {
  rows(
    text: string,
    values: readonly SqlValue[],
    options?: { readonly timeoutMs?: number },
  ): Promise<readonly SqlRow[]>;
}

export function isPostgresClient(value: unknown): value is PostgresClient {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return ['rows', 'unsafe', 'query'].some((method) => typeof Reflect.get(value, method) === 'function');
}

export interface PrepareOptions {
  readonly prepare: boolean;
  /** Called once, when a pooler has lost a prepared statement and the client goes on without them. */
  onPrepareRefused(): void;
}

export function createSqlClient(client: PostgresClient, { prepare, onPrepareRefused }: PrepareOptions): SqlClient {
  const run = statementRunner(client);
  let prepares = prepare;
  return {
    async rows(text, values, { timeoutMs } = {}) {
      const isNamed = prepares && timeoutMs === undefined;
      try {
        return toRows(await run({ text, values, isNamed, timeoutMs }));
      } catch (error) {
        // The server did not find the statement, so it has not run.
        if (!isNamed || !refusesPreparedStatements(error)) throw error;
        if (prepares) onPrepareRefused();
        prepares = false;
        return toRows(await run({ text, values, isNamed: false, timeoutMs }));
      }
    },
  };
}

interface Statement {
  readonly text: string;
  readonly values: readonly SqlValue[];
  readonly isNamed: boolean;
  readonly timeoutMs: number | undefined;
}

type RunStatement = (statement: Statement) => PromiseLike<unknown>;

function statementRunner(client: PostgresClient): RunStatement {
  if ('rows' in client) return async ({ text, values }) => await client.rows(text, values);
  if ('unsafe' in client)
    return async ({ text, values, isNamed }) => await client.unsafe(text, [...values] as never[], { prepare: isNamed });
  return async ({ text, values, isNamed, timeoutMs }) => {
    const name = isNamed ? { name: preparedName(text) } : {};
    const timeout = timeoutMs === undefined ? {} : { query_timeout: timeoutMs };
    const result = await client.query({ text, values: [...values], ...name, ...timeout });
    return result?.rows;
  };
}

const statementNames = new Map<string, string>();

/** A name belongs to one text on a connection, whichever store uses it. */
export function preparedName(text: string): string {
  const known = statementNames.get(text);
  if (known !== undefined) return known;
  const name = `onceguard_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  statementNames.set(text, name);
  return name;
}

function toRows(rows: unknown): readonly SqlRow[] {
  if (Array.isArray(rows) && rows.every((row) => typeof row === 'object' && row !== null)) return rows;
  throw new TypeError(
    'The client of PostgresStore did not return an array of rows. Pass a Pool of pg, the `sql` of postgres.js, or ' +
      '{ rows(text, values) } that resolves with an array of objects.',
  );
}
