// Mistakes around transactions: each is refused with the remedy, and nothing runs or is recorded.
import { randomUUID } from 'node:crypto';
import { recordName } from '@onceguard/core';
import { pgTransactions, type TransactionSource } from '@onceguard/postgres';
import type { Pool, PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestbed } from '../postgres/postgres-testbed.js';
import { paymentFunctionOf } from './payment-function.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed({ callTimeoutMs: 3_000 });
});

afterAll(async () => await testbed.close());

const paymentFunction = (parts?: Parameters<typeof paymentFunctionOf>[1]) => paymentFunctionOf(testbed, parts);

test.each(['COMMIT', 'ROLLBACK'])(
  'An operation that says %s itself is told so, and nothing is recorded',
  async (statement) => {
    const key = randomUUID();
    const { pay } = paymentFunction({ during: (client) => client.query(statement) });
    await expect(pay(key)).rejects.toMatchObject({ code: 'transaction_over' });
    const { rows } = await testbed.database.admin.query(
      `SELECT count(*)::int AS n FROM ${testbed.database.schema}.onceguard_records WHERE key = $1`,
      [recordName({ scope: 'shop', key })],
    );
    expect(rows[0].n).toBe(0);
  },
);

test('An operation cannot release the client of its transaction', async () => {
  const key = randomUUID();
  const { pay } = paymentFunction({ during: (client) => client.release() });
  await expect(pay(key)).rejects.toMatchObject({ code: 'argument_invalid' });
  expect(await testbed.countPayments(key)).toBe(0);
});

test('Transactions of another database than that of the store are refused, and nothing runs', async () => {
  const name = `other_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  await testbed.database.admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(testbed.database.url);
  url.pathname = `/${name}`;
  const other = await openTestbed({ url: url.href });
  const transaction = testbed.store.transactions(pgTransactions(other.pool()));
  const { pay, calls } = paymentFunction({ transaction });
  await expect(pay(randomUUID())).rejects.toThrow(/Give both the same database/);
  expect(calls.count).toBe(0);
  await other.close();
  await testbed.database.admin.query(`DROP DATABASE ${name}`);
});

test('A source whose statements run outside of its transaction is refused, and nothing runs', async () => {
  const { pool } = testbed;
  const source = pgTransactions(pool) as TransactionSource<PoolClient>;
  const rows = async (text: string, values: readonly unknown[]) => (await pool.query(text, [...values])).rows;
  const { pay, calls } = paymentFunction({
    transaction: testbed.store.transactions({ ...source, client: () => ({ rows }) }),
  });
  await expect(pay(randomUUID())).rejects.toMatchObject({ code: 'option_invalid' });
  expect(calls.count).toBe(0);
});

test('A store on the one connection that the transaction holds is told to take a pool of its own', async () => {
  const pool = testbed.openPool({ max: 1 });
  const store = testbed.database.store({ client: pool, callTimeoutMs: 2_000 });
  const { pay, calls } = paymentFunction({ store, transaction: store.transactions(pgTransactions(pool)) });
  await expect(pay(randomUUID())).rejects.toThrow(/Give the store a pool of its own/);
  expect(calls.count).toBe(0);
});

test('Without the tables of the store nothing runs, and the error names the remedy', async () => {
  const database = await openTestbed({ migrated: false });
  const store = database.store();
  const { pay, calls } = paymentFunction({ store, transaction: store.transactions(pgTransactions(database.pool())) });
  await expect(pay(randomUUID())).rejects.toThrow(/await store\.migrate\(\)/);
  expect(calls.count).toBe(0);
  await database.close();
});

test('A library that takes ROLLBACK for a COMMIT does not make a payment look done that is not there', async () => {
  const key = randomUUID();
  const { pay } = paymentFunction({ transaction: testbed.store.transactions(careless(testbed.pool)) });
  await expect(pay(key)).rejects.toMatchObject({ code: 'transaction_refused' });
  expect(await testbed.countPayments(key)).toBe(0);
});

test('pgTransactions rejects where the server answers ROLLBACK to COMMIT', async () => {
  const source = pgTransactions(testbed.pool) as TransactionSource<PoolClient>;
  const running = source.run(async (client) => void (await client.query('SELECT 1/0').catch(() => {})));
  await expect(running).rejects.toMatchObject({ code: '25P02' });
});

/** Runs a statement that fails between the last one of the store and COMMIT, and does not look at the answer. */
function careless(pool: Pool): TransactionSource<PoolClient> {
  const { client } = pgTransactions(pool) as TransactionSource<PoolClient>;
  const run = async <T>(work: (client: PoolClient) => Promise<T>): Promise<T> => {
    const connection = await pool.connect();
    try {
      await connection.query('BEGIN');
      const result = await work(connection);
      await connection.query('SELECT 1/0').catch(() => {});
      await connection.query('COMMIT');
      return result;
    } finally {
      connection.release(true);
    }
  };
  return { run, client };
}
