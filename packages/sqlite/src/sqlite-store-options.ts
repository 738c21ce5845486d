// The options of SqliteStore: their defaults, limits and error messages.
import { milliseconds, parseOptions, retryQueueLimitsField, storeNameField } from '@onceguard/core/sql';
import type { RetryQueueLimits } from '@onceguard/core/store';
import * as z from 'zod';
import type { SqliteDatabase } from './sqlite-database.js';

export interface SqliteStoreOptions {
  /**
   * A connection that nothing else uses: a `DatabaseSync` of `node:sqlite`, or a database of better-sqlite3 or libsql. It stays yours:
   * the store never closes it.
   */
  readonly database: SqliteDatabase;
  /**
   * `full`: a reply means that the record is on disk, and survives a power cut as far as the disk keeps its promises. `normal`: a power
   * cut may lose the last records, and their work runs again; the end of the process loses none. Default `full`.
   */
  readonly synchronous?: 'full' | 'normal';
  /** The deadline of each call, in milliseconds. Another process may hold the lock of the file so long. Default 1 000. */
  readonly callTimeoutMs?: number;
  /** The store's clock, in milliseconds since 1970. Default: `Date.now`. Tests pass a clock that they control. */
  readonly clock?: () => number;
  /** What events call the store, so that several can be told apart. 1 to 100 characters. Default `sqlite`. */
  readonly storeName?: string;
  /** How many calls, and how many bytes of outcomes, wait in this process to be repeated. Default 10 000 and 64 MiB. */
  readonly retryQueueLimits?: RetryQueueLimits;
}

export interface SqliteOpenOptions extends Omit<SqliteStoreOptions, 'database'> {
  /** Whether a missing file and missing tables are created. `false` is for tools that look into the file of a service. Default true. */
  readonly create?: boolean;
}

const databaseRule =
  'it must be a connection to SQLite: new DatabaseSync(path) of node:sqlite, or a database of better-sqlite3 or libsql';
const clockRule = 'it must be a function that returns milliseconds since 1970, such as Date.now';

export const sqliteStoreSchema = z.strictObject({
  database: z.custom<SqliteDatabase>(isDatabase, { error: databaseRule }),
  synchronous: z.enum(['full', 'normal']).default('full'),
  callTimeoutMs: milliseconds(1, 2_147_483_647).default(1_000),
  clock: z
    .custom<() => number>((value) => typeof value === 'function', { error: clockRule })
    .default(() => () => Date.now()),
  storeName: storeNameField.default('sqlite'),
  retryQueueLimits: retryQueueLimitsField,
});

const openSchema = z.looseObject({ create: z.boolean().default(true) });

/** The constructor checks the other options. */
export function parseOpenOptions(options: SqliteOpenOptions) {
  const { create } = parseOptions('SqliteStore.open()', openSchema, options);
  const { create: _, ...storeOptions } = options;
  return { create, ...storeOptions };
}

function isDatabase(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ['exec', 'prepare', 'close'].every((method) => typeof Reflect.get(value, method) === 'function');
}
