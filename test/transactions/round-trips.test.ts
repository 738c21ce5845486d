// How many round trips an operation in a transaction takes, beside BEGIN, its own statement and COMMIT.
import { randomUUID } from 'node:crypto';
import { pgTransactions } from '@onceguard/postgres';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { countRoundTrips } from './count-round-trips.js';
import { orderFunction, orderOf } from './order-function.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterAll(async () => await testbed.close());

/** A payment function, the round trips of the pool of the application, and those of the store's pool. */
async function countedPayment(options: { readonly pipeline?: boolean } = {}) {
  const [applicationPool, storePool] = [testbed.openPool({ max: 1 }), testbed.database.pool({ max: 1 })];
  const store = testbed.database.store({ client: storePool });
  const transaction = store.transactions(pgTransactions(applicationPool, options));
  const { pay } = orderFunction(testbed, { store, transaction });
  // The first one opens the connections and checks the source.
  await pay(orderOf());
  const trips = { application: countRoundTrips(applicationPool), store: countRoundTrips(storePool) };
  const of = async (call: () => Promise<unknown>) => {
    const before = [trips.application(), trips.store()] as const;
    await call();
    return { application: trips.application() - before[0], store: trips.store() - before[1] };
  };
  return { pay, of };
}

test('A first execution takes one round trip more than the bare transaction: the record is read before it', async () => {
  const { pay, of } = await countedPayment();
  expect(await of(() => pay(orderOf()))).toEqual({ application: 3, store: 1 });
});

test('A replay takes one round trip, and no connection of the application', async () => {
  const { pay, of } = await countedPayment();
  const order = orderOf();
  await pay(order);
  expect(await of(() => pay(order))).toEqual({ application: 0, store: 1 });
});

test('A payload that does not belong to the key is refused in one round trip', async () => {
  const { pay, of } = await countedPayment();
  const order = orderOf();
  await pay(order);
  const refused = () => expect(pay({ ...order, amount: 6 })).rejects.toMatchObject({ code: 'key_reused' });
  expect(await of(refused)).toEqual({ application: 0, store: 1 });
});

test('A client that sends one statement at a time takes three more', async () => {
  const { pay, of } = await countedPayment({ pipeline: false });
  expect(await of(() => pay(orderOf()))).toEqual({ application: 6, store: 1 });
});

test('Between BEGIN and COMMIT the client of the operation pipelines as its pool was told to', async () => {
  const seen: boolean[] = [];
  for (const pipeline of [false, true]) {
    const pool: Pool = testbed.openPool({ max: 1, pipeline });
    const transaction = testbed.store.transactions(pgTransactions(pool));
    const { pay } = orderFunction(testbed, {
      transaction,
      during: (client) => {
        seen.push(client.pipeline);
      },
    });
    await pay({ key: randomUUID(), amount: 5 });
    const client = await pool.connect();
    seen.push(client.pipeline);
    client.release();
  }
  expect(seen).toEqual([false, false, true, true]);
});
