// @onceguard/sqlite: records in a file, for one machine.
export type { SqliteFinding, SqliteFindingCode } from './findings.js';
export type { SqliteDatabase, SqliteStatement } from './sqlite-database.js';
export { SqliteStore } from './sqlite-store.js';
export type { SqliteOpenOptions, SqliteStoreOptions } from './sqlite-store-options.js';
