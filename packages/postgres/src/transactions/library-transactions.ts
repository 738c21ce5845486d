// Transactions of other libraries, by the few members of each that are used.
import type { RowsClient } from '../sql-client.js';
import { listenToLostClients } from './lost-clients.js';
import type { IsolationLevel, TransactionSource } from './transaction-source.js';

/** The function `sql` of the package postgres (postgres.js). `Tx` is what `begin` passes on. */
export interface PostgresJsTransactionClient<Tx> {
  begin(options: string, work: (sql: Tx) => Promise<unknown>): Promise<unknown>;
}

interface PostgresJsStatements {
  unsafe(text: string, values: never[]): PromiseLike<readonly unknown[]>;
}

/**
 * Transactions of postgres.js. An operation gets the `sql` of the transaction.
 *
 * @example
 * const transaction = store.transactions(postgresJsTransactions(postgres(url)));
 */
export function postgresJsTransactions<Tx>(
  sql: PostgresJsTransactionClient<Tx>,
  { isolation }: { readonly isolation?: IsolationLevel } = {},
): TransactionSource<Tx> {
  const begin = isolation === undefined ? '' : `ISOLATION LEVEL ${isolation.toUpperCase()}`;
  return {
    // It resolves with each member of an array, so that a result within one passes as it is.
    run: async (work) =>
      ((await sql.begin(begin, async (tx) => [await work(tx)])) as [Awaited<ReturnType<typeof work>>])[0],
    client: (tx) => ({
      rows: async (text, values) => await (tx as PostgresJsStatements).unsafe(text, [...values] as never[]),
    }),
  };
}

/** A database of Drizzle on `pg` or on postgres.js. */
export interface DrizzleDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>, config?: never): Promise<T>;
}

/** The template tag `sql` of Drizzle. */
export interface DrizzleTag {
  raw(text: string): unknown;
  join(parts: never[], separator?: never): unknown;
  param(value: unknown): unknown;
}

interface DrizzleStatements {
  execute(query: unknown): PromiseLike<unknown>;
}

/**
 * Transactions of Drizzle. An operation gets the `tx`.
 *
 * @param db - what `drizzle(…)` of `drizzle-orm/node-postgres` or `drizzle-orm/postgres-js` returns
 * @param sql - the template tag of the package drizzle-orm
 * @param config - passed to `db.transaction`, such as `{ isolationLevel: 'serializable' }`
 * @example
 * const transaction = store.transactions(drizzleTransactions(db, sql));
 */
export function drizzleTransactions<Tx>(
  db: DrizzleDatabase<Tx>,
  sql: DrizzleTag,
  config?: object,
): TransactionSource<Tx> {
  listenToLostClients(db);
  return {
    run: (work) => db.transaction(work, config as never),
    client: (tx) => ({
      rows: async (text, values) => toRows(await (tx as DrizzleStatements).execute(drizzleQuery(sql, text, values))),
    }),
  };
}

/** The text with its placeholders as parameters of Drizzle, which numbers them again in this order. */
function drizzleQuery(sql: DrizzleTag, text: string, values: readonly unknown[]): unknown {
  const parts = text
    .split(/\$(\d+)/)
    .map((part, at) => (at % 2 === 0 ? sql.raw(part) : sql.param(values[Number(part) - 1])));
  return sql.join(parts as never[]);
}

/** A database of Kysely. */
export interface KyselyDatabase<Tx> {
  transaction(): { execute<T>(work: (tx: Tx) => Promise<T>): Promise<T> };
}

interface KyselyStatements {
  executeQuery(query: never): Promise<{ readonly rows: readonly unknown[] }>;
}

/** The class `CompiledQuery` of Kysely. */
export interface KyselyQueries {
  raw(text: string, values?: unknown[]): unknown;
}

/**
 * Transactions of Kysely. An operation gets the `Transaction`.
 *
 * @param db - the `Kysely` instance, on PostgreSQL
 * @param queries - the class `CompiledQuery` of the package kysely
 * @example
 * const transaction = store.transactions(kyselyTransactions(db, CompiledQuery));
 */
export function kyselyTransactions<Tx>(db: KyselyDatabase<Tx>, queries: KyselyQueries): TransactionSource<Tx> {
  return {
    run: (work) => db.transaction().execute(work),
    client: (tx) => ({
      rows: async (text, values) =>
        (await (tx as KyselyStatements).executeQuery(queries.raw(text, [...values]) as never)).rows,
    }),
  };
}

/** An instance of Knex. */
export interface KnexDatabase<Tx> {
  transaction<T>(work: (tx: Tx) => Promise<T>, config?: never): Promise<T>;
}

interface KnexStatements {
  raw(text: string, values: never): PromiseLike<unknown>;
}

/**
 * Transactions of Knex. An operation gets the `Knex.Transaction`.
 *
 * @example
 * const transaction = store.transactions(knexTransactions(knex));
 */
export function knexTransactions<Tx>(knex: KnexDatabase<Tx>): TransactionSource<Tx> {
  return {
    run: (work) => knex.transaction(work),
    client: (tx) => knexRows(tx as KnexStatements),
  };
}

/** Knex takes `?` for a placeholder, wherever it stands; the statements of the store have none. */
function knexRows(tx: KnexStatements): RowsClient {
  return {
    rows: async (text, values) => {
      const ordered: unknown[] = [];
      const withMarks = text.replace(/\$(\d+)/g, (_, number: string) => {
        ordered.push(values[Number(number) - 1]);
        return '?';
      });
      return toRows(await tx.raw(withMarks, ordered as never));
    },
  };
}

/** A `DataSource` of TypeORM. */
export interface TypeOrmDataSource<Tx> {
  transaction<T>(work: (manager: Tx) => Promise<T>): Promise<T>;
  transaction<T>(isolation: never, work: (manager: Tx) => Promise<T>): Promise<T>;
}

interface TypeOrmStatements {
  query(text: string, values: unknown[]): Promise<unknown>;
}

/**
 * Transactions of TypeORM. An operation gets the `EntityManager`.
 *
 * @example
 * const transaction = store.transactions(typeOrmTransactions(dataSource));
 */
export function typeOrmTransactions<Tx>(dataSource: TypeOrmDataSource<Tx>): TransactionSource<Tx> {
  return {
    run: (work) => dataSource.transaction(work),
    client: (tx) => ({
      rows: async (text, values) => typeOrmRows(await (tx as TypeOrmStatements).query(text, [...values])),
    }),
  };
}

/** For an UPDATE or a DELETE it returns the rows and how many they are. */
function typeOrmRows(returned: unknown): readonly unknown[] {
  if (!Array.isArray(returned)) return [];
  return returned.length === 2 && Array.isArray(returned[0]) && typeof returned[1] === 'number'
    ? returned[0]
    : returned;
}

/** A `PrismaClient` of Prisma 7, with the adapter for pg. */
export interface PrismaDatabase<Tx> {
  $transaction<T>(work: (tx: Tx) => Promise<T>, options?: never): Promise<T>;
}

interface PrismaStatements {
  $queryRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

/** As Prisma names the levels. */
const prismaLevels = {
  'read committed': 'ReadCommitted',
  'repeatable read': 'RepeatableRead',
  serializable: 'Serializable',
} as const satisfies Record<IsolationLevel, string>;

/** The longest that a timer takes. Prisma would end a transaction after 5 seconds; `maxExecutionMs` does it here. */
const neverMs = 2_147_483_647;

/**
 * Transactions of Prisma. An operation gets the `tx`, with the models of your schema.
 *
 * @param prisma - the `PrismaClient`, on PostgreSQL
 * @example
 * const transaction = store.transactions(prismaTransactions(new PrismaClient({ adapter })));
 */
export function prismaTransactions<Tx>(
  prisma: PrismaDatabase<Tx>,
  { isolation }: { readonly isolation?: IsolationLevel } = {},
): TransactionSource<Tx> {
  const level = isolation === undefined ? {} : { isolationLevel: prismaLevels[isolation] };
  const options = { timeout: neverMs, maxWait: neverMs, ...level };
  return {
    run: (work) => prisma.$transaction(work, options as never),
    client: (tx) => ({
      rows: async (text, values) => toRows(await (tx as PrismaStatements).$queryRawUnsafe(text, ...values)),
    }),
  };
}

/** The rows themselves, or a result of pg. */
function toRows(returned: unknown): readonly unknown[] {
  if (Array.isArray(returned)) return returned;
  return typeof returned === 'object' && returned !== null && 'rows' in returned && Array.isArray(returned.rows)
    ? returned.rows
    : [];
}
