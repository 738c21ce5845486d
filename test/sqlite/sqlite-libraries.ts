// The libraries by which the tests open SQLite: libsql everywhere, node:sqlite and better-sqlite3 13 on the versions of Node that they run on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqliteDatabase } from '@onceguard/sqlite';
import Libsql from 'libsql';

export interface SqliteLibrary {
  readonly name: string;
  open(path: string): SqliteDatabase;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options?: { readonly readOnly?: boolean }) => SqliteDatabase;
}

const nodeSqlite = process.getBuiltinModule?.('node:sqlite') as unknown as NodeSqlite | undefined;

export const libraries: readonly SqliteLibrary[] = [
  { name: 'libsql', open: (path) => new Libsql(path) as unknown as SqliteDatabase },
  ...(nodeSqlite === undefined ? [] : await ofNewerNode(nodeSqlite)),
];

async function ofNewerNode({ DatabaseSync }: NodeSqlite): Promise<SqliteLibrary[]> {
  const { default: BetterSqlite3 } = await import('better-sqlite3');
  return [
    { name: 'node:sqlite', open: (path) => new DatabaseSync(path) },
    { name: 'better-sqlite3', open: (path) => new BetterSqlite3(path) as unknown as SqliteDatabase },
  ];
}

/**
 * A second connection to a file that `SqliteStore.open` has open in this process. It is of the same library: the locks of two libraries in one
 * process do not see each other.
 */
export function openBeside(path: string, options: { readonly readOnly?: boolean } = {}): SqliteDatabase {
  if (nodeSqlite !== undefined) return new nodeSqlite.DatabaseSync(path, options);
  return new Libsql(options.readOnly === true ? `file:${path}?mode=ro` : path) as unknown as SqliteDatabase;
}

/** A directory for files of SQLite, and the function that removes it. */
export function newDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'onceguard-sqlite-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
