// A process that pays for keys, eight at a time, until somebody kills it. Arguments: url, schema, mode, first key, end.
import { makeIdempotent } from '@onceguard/core';
import { PostgresStore, pgTransactions } from '@onceguard/postgres';
import { Pool } from 'pg';

const [url = '', schema = '', mode = 'transaction', first = '0', end = '0'] = process.argv.slice(2);
const config = { connectionString: url, application_name: schema };
const pool = new Pool({ ...config, max: 8 });
const storePool = new Pool({ ...config, max: 4 });
for (const one of [pool, storePool]) one.on('error', () => {});
const store = new PostgresStore({ client: storePool, schema, callTimeoutMs: 2_000 });
const transaction = store.transactions(pgTransactions(pool));

/** A row of its own, and one that others of the same account wait for. */
async function insertPayment(client, key) {
  await client.query(`INSERT INTO ${schema}.payments (key) VALUES ($1)`, [key]);
  await client.query(`UPDATE ${schema}.accounts SET payments = payments + 1 WHERE id = $1`, [Number(key) % 8]);
}

async function payInTransaction(key, context) {
  await insertPayment(transaction.of(context), key);
  await context.enqueue('paid', key, { orderingKey: `account ${Number(key) % 8}` });
  return key;
}

/** The same with a transaction of its own, under a lease. */
async function payUnderLease(key) {
  const client = await pool.connect();
  const onError = () => {};
  client.on('error', onError);
  let broken;
  try {
    await client.query('BEGIN');
    await insertPayment(client, key);
    await client.query('COMMIT');
    return key;
  } catch (error) {
    broken = error;
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

const options = { store, scope: 'kills', key: (key) => key, leaseMs: 300 };
const pay =
  mode === 'lease'
    ? makeIdempotent(payUnderLease, options)
    : makeIdempotent(payInTransaction, { ...options, transaction });

const keys = Array.from({ length: Number(end) - Number(first) }, (_, index) => String(Number(first) + index));
process.send?.('ready');

async function payAll() {
  for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
    try {
      await pay(key);
      process.send?.({ paid: key });
    } catch {
      // A duplicate of a killed process, a conflict, or a database that is away: later again.
      keys.push(key);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

await Promise.all(Array.from({ length: 8 }, payAll));
process.disconnect?.();
await pool.end();
await storePool.end();
