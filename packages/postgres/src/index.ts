// @onceguard/postgres: records in PostgreSQL.
export type { PostgresFinding, PostgresFindingCode } from './findings.js';
export { migrationSql } from './migration-sql.js';
export type { RelayedMessage, RelayHandler, RelayOptions } from './outbox/relay-options.js';
export { PostgresStore } from './postgres-store.js';
export type { PostgresConnectOptions, PostgresStoreOptions } from './postgres-store-options.js';
export type { PurgeResult } from './purge-result.js';
export type { SchemaOptions } from './schema.js';
export type { PgClient, PostgresClient, PostgresJsClient, RowsClient } from './sql-client.js';
export {
  type DrizzleDatabase,
  type DrizzleTag,
  drizzleTransactions,
  type KnexDatabase,
  type KyselyDatabase,
  type KyselyQueries,
  knexTransactions,
  kyselyTransactions,
  type PostgresJsTransactionClient,
  type PrismaDatabase,
  postgresJsTransactions,
  prismaTransactions,
  type TypeOrmDataSource,
  typeOrmTransactions,
} from './transactions/library-transactions.js';
export { type PgPool, type PgTransactionOptions, pgTransactions } from './transactions/pg-transactions.js';
export type { IsolationLevel, TransactionSource } from './transactions/transaction-source.js';
