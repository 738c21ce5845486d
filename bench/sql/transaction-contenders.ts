// What is measured of transactions: one payment of the application's, with and without onceguard.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, type TransactionPort } from '@onceguard/core';
import { type PgTransactionOptions, PostgresStore, pgTransactions } from '@onceguard/postgres';
import type { Pool, PoolClient } from 'pg';
import { type Contender, sizeOfTables } from './contenders.js';

const insert = 'INSERT INTO payments (key, cents) VALUES ($1, $2) RETURNING id';
/** As long as the outcomes of the other contenders. */
const note = 'o'.repeat(180);
const bareName = 'the bare transaction';

export interface PaymentPools {
  /** That of the application. */
  readonly application: Pool;
  /** That of the store. */
  readonly store: Pool;
}

/** A transaction of the application's with one INSERT; and the same with its record, in several ways. */
export async function payments(pools: PaymentPools): Promise<Contender[]> {
  const { application } = pools;
  await application.query('CREATE TABLE payments (id bigserial PRIMARY KEY, key text NOT NULL, cents int NOT NULL)');
  return [
    { name: bareName, reference: null, fresh: () => payBare(application), replay: null, size: null },
    await paymentsInTransactions('option `transaction`', pools, 'transactions', {}),
    await paymentsInTransactions('option `transaction`, `prepare: true`', pools, 'prepared', { prepare: true }),
    await paymentsInTransactions('option `transaction`, `prepare: false`', pools, 'unprepared_tx', { prepare: false }),
    await paymentsInTransactions('option `transaction`, `pipeline: false`', pools, 'in_turn', { pipeline: false }),
    await paymentsUnderLease('a lease around the transaction', pools, 'leases'),
  ];
}

async function payBare(pool: Pool): Promise<void> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await pay(client, randomUUID());
  await client.query('COMMIT');
  client.release();
}

async function pay(client: PoolClient, key: string) {
  const { rows } = await client.query(insert, [key, 250]);
  return { id: rows[0].id as string, note };
}

async function paymentsInTransactions(
  name: string,
  pools: PaymentPools,
  prefix: string,
  options: PgTransactionOptions,
): Promise<Contender> {
  const store = new PostgresStore({ client: pools.store, prefix, callTimeoutMs: 30_000 });
  await store.migrate();
  const transaction: TransactionPort<PoolClient> = store.transactions(pgTransactions(pools.application, options));
  const work = async (key: string) => {
    const options = { store, scope: 'shop', key, transaction };
    await executeIdempotently((context) => pay(transaction.of(context), key), options);
  };
  return await contenderOf(name, pools, prefix, work);
}

async function paymentsUnderLease(name: string, pools: PaymentPools, prefix: string): Promise<Contender> {
  const store = new PostgresStore({ client: pools.store, prefix, callTimeoutMs: 30_000 });
  await store.migrate();
  const work = async (key: string) => {
    await executeIdempotently(
      async () => {
        const client = await pools.application.connect();
        await client.query('BEGIN');
        const result = await pay(client, key);
        await client.query('COMMIT');
        client.release();
        return result;
      },
      { store, scope: 'shop', key },
    );
  };
  return await contenderOf(name, pools, prefix, work);
}

async function contenderOf(
  name: string,
  pools: PaymentPools,
  prefix: string,
  work: (key: string) => Promise<void>,
): Promise<Contender> {
  await work('kept');
  return {
    name,
    reference: bareName,
    fresh: () => work(randomUUID()),
    replay: () => work('kept'),
    size: () => sizeOfTables(pools.store, [`${prefix}_records`, `${prefix}_steps`]),
  };
}
