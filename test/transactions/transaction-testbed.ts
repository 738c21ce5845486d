// A database with payments, and transactions of pg on it.
import type { TransactionPort } from '@onceguard/core';
import {
  type PgTransactionOptions,
  type PostgresStore,
  type PostgresStoreOptions,
  pgTransactions,
} from '@onceguard/postgres';
import { type FaultProxy, startFaultProxy } from '@onceguard/testing';
import type { Pool, PoolClient, PoolConfig } from 'pg';
import { openTestbed, type Testbed } from '../postgres/postgres-testbed.js';

export interface TransactionTestbed {
  readonly database: Testbed;
  /** On a pool of its own, directly. */
  readonly store: PostgresStore;
  /** The pool of the application, through the proxy. */
  readonly pool: Pool;
  readonly proxy: FaultProxy;
  readonly transaction: TransactionPort<PoolClient>;
  /** Another pool of the application, through the proxy. */
  openPool(config?: PoolConfig): Pool;
  openTransaction(options?: PgTransactionOptions): TransactionPort<PoolClient>;
  /** Inserts a payment within a transaction. `other`: a row that has to exist at COMMIT. */
  insertPayment(client: PoolClient, key: string, other?: number | null): Promise<{ readonly id: string }>;
  /** How many payments there are of this key. */
  countPayments(key: string): Promise<number>;
  /** How many transactions of the application are open. */
  countOpenTransactions(): Promise<number>;
  close(): Promise<void>;
}

export async function openTransactionTestbed({
  url,
  ...storeOptions
}: { url?: string } & Partial<PostgresStoreOptions> = {}): Promise<TransactionTestbed> {
  const database = await openTestbed(url === undefined ? {} : { url });
  const { schema, admin } = database;
  await admin.query(`CREATE TABLE ${schema}.others (id int PRIMARY KEY)`);
  await admin.query(
    `CREATE TABLE ${schema}.payments (id bigserial PRIMARY KEY, key text NOT NULL,
      other int REFERENCES ${schema}.others DEFERRABLE INITIALLY DEFERRED)`,
  );
  const proxy = await startFaultProxy(database.url);
  const store = database.store({ callTimeoutMs: 5_000, ...storeOptions });
  const openPool = (config: PoolConfig = {}) =>
    database.pool({ connectionString: proxy.url, application_name: schema, ...config });
  const pool = openPool();
  const openTransaction = (options?: PgTransactionOptions) => store.transactions(pgTransactions(pool, options));
  return {
    database,
    store,
    pool,
    proxy,
    transaction: openTransaction(),
    openPool,
    openTransaction,
    insertPayment: async (client, key, other = null) => {
      const text = `INSERT INTO ${schema}.payments (key, other) VALUES ($1, $2) RETURNING id`;
      return (await client.query(text, [key, other])).rows[0];
    },
    countPayments: async (key) => {
      const { rows } = await admin.query(`SELECT count(*)::int AS n FROM ${schema}.payments WHERE key = $1`, [key]);
      return rows[0].n;
    },
    countOpenTransactions: async () => {
      const text =
        'SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = $1 AND xact_start IS NOT NULL';
      return (await admin.query(text, [schema])).rows[0].n;
    },
    close: async () => {
      proxy.heal();
      await proxy.close();
      await database.close();
    },
  };
}
