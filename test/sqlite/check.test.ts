// check(): what is wrong with a file, its disk and its lock.
import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteStore } from '@onceguard/sqlite';
import { afterAll, expect, test } from 'vitest';
import { findingTable } from '../../packages/sqlite/src/findings.js';
import { codesIn, sections, tableRows } from '../packages/markdown.js';
import { libraries, newDirectory, openBeside } from './sqlite-libraries.js';

const directory = newDirectory();
afterAll(() => directory.remove());

const pathOf = (name: string) => join(directory.path, name);
const codesOf = async (store: SqliteStore, wholeFile = false) =>
  (await store.check({ wholeFile })).map(({ code, severity }) => `${code} ${severity}`);

test.each(libraries)('$name: a good file has no findings, and the check changes nothing', async ({ name, open }) => {
  const database = open(pathOf(`${name}.db`));
  const store = new SqliteStore({ database });
  expect(await codesOf(store, true)).toEqual([]);
  expect(await store.scan({ cursor: null, limit: 10 })).toMatchObject({ records: [] });
  database.close();
});

test('A store in memory, one that may not write, one in another journal mode, and one that somebody keeps locked', async () => {
  const memory = await SqliteStore.open(':memory:', { storeName: 'sessions' });
  expect(await memory.check()).toMatchObject([{ code: 'sqlite_in_memory', server: 'sessions' }]);
  await memory.close();
  const path = pathOf('locked.db');
  const store = await SqliteStore.open(path, { callTimeoutMs: 1 });
  const readOnly = openBeside(path, { readOnly: true });
  expect(await codesOf(new SqliteStore({ database: readOnly }))).toEqual(['sqlite_read_only error']);
  readOnly.close();
  const other = openBeside(path);
  other.exec('BEGIN IMMEDIATE');
  expect(await codesOf(store)).toEqual(['sqlite_locked warning']);
  other.exec('ROLLBACK; PRAGMA journal_mode = WAL');
  other.close();
  await store.close();
  const own = openBeside(pathOf('deleting.db'));
  const deleting = new SqliteStore({ database: own });
  own.exec('PRAGMA journal_mode = DELETE');
  expect(await codesOf(deleting)).toEqual(['sqlite_not_wal warning']);
  own.close();
});

test('Damage is found where the whole file is read', async () => {
  const path = pathOf('damaged.db');
  await (await SqliteStore.open(path)).close();
  const flushed = openBeside(path);
  flushed.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  flushed.close();
  const file = openSync(path, 'r+');
  // The second page: a root of one of the tables.
  writeSync(file, Buffer.alloc(4_096, 0xff), 0, 4_096, 4_096);
  closeSync(file);
  const store = await SqliteStore.open(path, { create: false });
  expect(await codesOf(store)).toEqual([]);
  expect(await codesOf(store, true)).toEqual(['sqlite_damaged error']);
  await store.close();
});

test('docs/sqlite.md lists each finding with its severity', () => {
  const rows = tableRows(
    sections('docs/sqlite.md', (title) => title === 'Findings'),
    'code',
  );
  const listed = rows.map(([code = '', severity]) => [codesIn(code)[0], severity]);
  expect(listed).toEqual(Object.entries(findingTable).map(([code, { severity }]) => [code, severity]));
});
