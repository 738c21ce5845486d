// The SQLite libraries that the store works with, and how it opens a file by one of them.
import { statSync } from 'node:fs';
import { ConfigurationError, StoreError } from '@onceguard/core';
import type { SqlRow, SqlValue } from '@onceguard/core/sql';

export interface SqliteStatement {
  get(...values: SqlValue[]): unknown;
  all(...values: SqlValue[]): unknown[];
  run(...values: SqlValue[]): unknown;
}

/** A connection of `node:sqlite` (`DatabaseSync`), `better-sqlite3` or `libsql`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
  close(): unknown;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => SqliteDatabase;
}

type DatabaseClass = new (path: string) => SqliteDatabase;

/** SQLite itself would create the file. */
export function assertFileExists(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return;
  throw new StoreError(
    'misconfigured',
    `There is no file ${path}. Give the path with which the service opens its store.`,
  );
}

/** By `node:sqlite` (Node 22.13 and later), else by the package libsql. */
export async function openDatabase(path: string): Promise<SqliteDatabase> {
  const nodeSqlite = process.getBuiltinModule?.('node:sqlite') as NodeSqlite | undefined;
  if (nodeSqlite !== undefined) return new nodeSqlite.DatabaseSync(path);
  const Libsql = await importLibsql();
  return new Libsql(path);
}

/** Not better-sqlite3: version 13 ends the process on Node 20, by a fault that nobody can catch. */
async function importLibsql(): Promise<DatabaseClass> {
  // Not a literal: TypeScript and bundlers would ask for a package that only some need.
  const name: string = 'libsql';
  try {
    const loaded: { readonly default: DatabaseClass } = await import(name);
    return loaded.default;
  } catch (error) {
    const problem = `Node ${process.versions.node} has no node:sqlite, and the package libsql cannot be loaded.`;
    const remedy =
      'Use Node 22.13 or later, run `npm install libsql`, or give new SqliteStore() a database of your own.';
    throw new ConfigurationError('option_invalid', `${problem} ${remedy}`, { cause: error });
  }
}

/** One row, or null for none. */
export function firstRow(statement: SqliteStatement, ...values: SqlValue[]): SqlRow | null {
  return (statement.get(...values) as SqlRow | undefined) ?? null;
}

export function allRows(statement: SqliteStatement, ...values: SqlValue[]): readonly SqlRow[] {
  return statement.all(...values) as SqlRow[];
}
