// Sets a connection up, and creates the tables where they are missing.
import { StoreError } from '@onceguard/core';
import { RecordTable } from './record-table.js';
import { schemaSql } from './schema.js';
import { firstRow, type SqliteDatabase } from './sqlite-database.js';
import { toStoreError } from './sqlite-error.js';

export function prepareTable(
  database: SqliteDatabase,
  synchronous: 'full' | 'normal',
  lockTimeoutMs: number,
): RecordTable {
  try {
    // Several processes may start at once. Here SQLite itself waits for the lock.
    database.exec(`PRAGMA busy_timeout = ${lockTimeoutMs}`);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    // Creating needs the lock, which another program may hold for long.
    if (!hasTables(database)) database.exec(`BEGIN IMMEDIATE; ${schemaSql}; COMMIT`);
    // Later it would hold the event loop while it waits. The store waits by a timer.
    database.exec('PRAGMA busy_timeout = 0');
    return new RecordTable(database);
  } catch (error) {
    throw toStoreError('prepare the tables of the store', error);
  }
}

/** Writes nothing: the file may be of something else. Throws a `StoreError` where it has no tables of a store. */
export function assertPrepared(database: SqliteDatabase): void {
  if (hasTables(database)) return;
  const remedy = 'Give the path with which the service opens its store.';
  throw new StoreError('misconfigured', `The file has no tables of a store of onceguard. ${remedy}`);
}

function hasTables(database: SqliteDatabase): boolean {
  const names = "('onceguard_records', 'onceguard_steps')";
  try {
    const select = `SELECT count(*) AS found FROM sqlite_master WHERE type = 'table' AND name IN ${names}`;
    return Number(firstRow(database.prepare(select))?.found) === 2;
  } catch (error) {
    throw toStoreError('read the file', error);
  }
}
