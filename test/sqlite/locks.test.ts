// Several connections to one file: one of them writes at a time.
import { join } from 'node:path';
import { type SqliteDatabase, SqliteStore } from '@onceguard/sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { libraries, newDirectory } from './sqlite-libraries.js';

describe.each(libraries)('While another connection of $name writes,', ({ open }) => {
  let directory: ReturnType<typeof newDirectory>;
  let other: SqliteDatabase;
  let database: SqliteDatabase;

  beforeEach(() => {
    directory = newDirectory();
    const path = join(directory.path, 'records.db');
    [database, other] = [open(path), open(path)];
  });

  afterEach(() => {
    for (const one of [database, other]) one.close();
    directory.remove();
  });

  test('a call waits without holding the event loop, and runs once the lock is free', async () => {
    const store = new SqliteStore({ database, callTimeoutMs: 60_000 });
    other.exec('BEGIN IMMEDIATE');
    let isSettled = false;
    const acquired = store.acquire('key', acquireRequest()).finally(() => {
      isSettled = true;
    });
    // SQLite's own way to wait would let none of these iterations happen.
    for (let iteration = 0; iteration < 100; iteration += 1) await new Promise(setImmediate);
    expect(isSettled).toBe(false);
    other.exec('COMMIT');
    expect(await acquired).toMatchObject({ kind: 'acquired', attempt: 1 });
    await store.close();
  });

  test('a call fails as unavailable at its deadline, and is not executed later', async () => {
    const store = new SqliteStore({ database, callTimeoutMs: 50 });
    other.exec('BEGIN IMMEDIATE');
    const error = await store.acquire('key', acquireRequest()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ class: 'unavailable', code: 'store_unavailable' });
    other.exec('COMMIT');
    expect(await store.read('key')).toMatchObject({ record: null });
    await store.close();
  });

  test('records can be read', async () => {
    const store = new SqliteStore({ database });
    await store.acquire('key', acquireRequest());
    other.exec('BEGIN IMMEDIATE');
    expect(await store.read('key')).toMatchObject({ record: { state: 'in_progress' } });
    other.exec('COMMIT');
    await store.close();
  });
});
