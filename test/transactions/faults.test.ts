// What a transaction survives: each row of the table of failures in docs/transactions.md that concerns functions.
import { randomUUID } from 'node:crypto';
import { makeIdempotent, onEvent } from '@onceguard/core';
import { pgTransactions } from '@onceguard/postgres';
import { startFaultProxy } from '@onceguard/testing';
import type { PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createGate } from './gate.js';
import { paymentFunctionOf } from './payment-function.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed({ callTimeoutMs: 3_000 });
  // The first transaction checks the source, and its COMMIT is not the one that a test wants to lose.
  await paymentFunction().pay('first');
});

afterEach(() => testbed.proxy.heal());

afterAll(async () => await testbed.close());

const paymentFunction = (parts?: Parameters<typeof paymentFunctionOf>[1]) => paymentFunctionOf(testbed, parts);

test('When the reply to COMMIT is lost, the call still returns its result, and nothing runs twice', async () => {
  const { pay, calls } = paymentFunction();
  const key = randomUUID();
  const lost = testbed.proxy.injectFault('lose_reply', /COMMIT/);
  const id = await pay(key);
  await lost;
  expect(await pay(key)).toBe(id);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('When COMMIT never arrives, the function runs again in the same call, and its effect is there once', async () => {
  const { pay, calls } = paymentFunction();
  const key = randomUUID();
  const lost = testbed.proxy.injectFault('lose_request', /COMMIT/);
  await pay(key);
  await lost;
  expect(calls.count).toBe(2);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('When the network falls silent at COMMIT, the record says within the deadline that it happened', async () => {
  const { pay, calls } = paymentFunction();
  const key = randomUUID();
  const silent = testbed.proxy.injectFault('black_hole', /COMMIT/);
  const id = await pay(key);
  await silent;
  testbed.proxy.heal();
  testbed.proxy.disconnectAll('reset');
  expect(await pay(key)).toBe(id);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('When nobody can be asked after COMMIT, the caller gets store_unavailable, and its repeat gets what happened', async () => {
  const storeProxy = await startFaultProxy(testbed.database.url);
  const storePool = testbed.database.pool({ connectionString: storeProxy.url });
  const store = testbed.database.store({ client: storePool, callTimeoutMs: 2_000 });
  const transaction = store.transactions(pgTransactions(testbed.pool));
  const { pay, calls } = paymentFunction({ store, transaction });
  await pay(randomUUID());
  const key = randomUUID();
  const lost = testbed.proxy.injectFault('lose_reply', /COMMIT/);
  const { pay: payUnheard } = paymentFunction({ store, transaction, during: () => storeProxy.blackHole() });
  await expect(payUnheard(key)).rejects.toMatchObject({ code: 'store_unavailable', class: 'unknown' });
  await lost;
  storeProxy.heal();
  storeProxy.disconnectAll('reset');
  await pay(key);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(key)).toBe(1);
  await storeProxy.close();
});

test('After all connections of the pool have died, the next call runs on a new one', async () => {
  const { pay, calls } = paymentFunction();
  await Promise.all(Array.from({ length: 5 }, () => pay(randomUUID())));
  testbed.proxy.disconnectAll('reset');
  const key = randomUUID();
  await pay(key);
  expect(calls.count).toBe(6);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('When the backend is killed between two statements, the process lives, nothing happened, and a retry runs', async () => {
  const { pay } = paymentFunction({ during: (client) => terminate(client) });
  const key = randomUUID();
  await expect(pay(key)).rejects.toThrow();
  expect(await testbed.countPayments(key)).toBe(0);
  await paymentFunction().pay(key);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('A host that vanishes within a transaction blocks its key until the idle time-out of the server, and a retry runs then', async () => {
  const pool = testbed.openPool({ idle_in_transaction_session_timeout: 3_000 });
  const transaction = testbed.store.transactions(pgTransactions(pool));
  const key = randomUUID();
  const [begun, vanished] = [createGate(), createGate()];
  const { pay: payOnVanishedHost } = paymentFunction({
    transaction,
    during: async () => {
      begun.open();
      await vanished.opened;
    },
  });
  await paymentFunction({ transaction }).pay(randomUUID());
  void payOnVanishedHost(key).catch(() => {});
  await begun.opened;
  testbed.proxy.blackHole();
  const direct = testbed.database.store({ callTimeoutMs: 2_000 });
  const { pay } = paymentFunction({
    store: direct,
    transaction: direct.transactions(pgTransactions(testbed.database.pool())),
  });
  await expect(pay(key)).rejects.toMatchObject({ code: 'in_progress' });
  await expect.poll(() => pay(key).catch(() => null), { interval: 50, timeout: 60_000 }).not.toBeNull();
  expect(await testbed.countPayments(key)).toBe(1);
  testbed.proxy.heal();
  testbed.proxy.disconnectAll('reset');
  vanished.open();
});

test('The server ends a transaction without statements after a minute, and a statement after maxExecutionMs', async () => {
  const limits = async (client: PoolClient) => {
    const names = ['idle_in_transaction_session_timeout', 'statement_timeout'];
    const shown = await client.query(
      `SELECT ${names.map((name) => `current_setting('${name}') AS ${name}`).join(', ')}`,
    );
    seen.push(shown.rows[0]);
  };
  const seen: unknown[] = [];
  await paymentFunction({ maxExecutionMs: 45_000, during: limits }).pay(randomUUID());
  const pool = testbed.openPool({ idle_in_transaction_session_timeout: 5_000, statement_timeout: 7_000 });
  const transaction = testbed.store.transactions(pgTransactions(pool));
  await paymentFunction({ transaction, during: limits }).pay(randomUUID());
  expect(seen).toEqual([
    { idle_in_transaction_session_timeout: '1min', statement_timeout: '45s' },
    { idle_in_transaction_session_timeout: '5s', statement_timeout: '7s' },
  ]);
});

test('An operation that takes longer than maxExecutionMs is rolled back, also within a statement, and its key is free', async () => {
  const key = randomUUID();
  const { pay } = paymentFunction({ maxExecutionMs: 300, during: (client) => client.query('SELECT pg_sleep(20)') });
  await expect(pay(key)).rejects.toMatchObject({ code: 'transaction_timeout', retryable: true });
  await expect.poll(() => testbed.countOpenTransactions()).toBe(0);
  await paymentFunction().pay(key);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('The transaction of an operation that never ends is rolled back at maxExecutionMs', async () => {
  const { pay } = paymentFunction({ maxExecutionMs: 300, during: () => new Promise(() => {}) });
  await expect(pay(randomUUID())).rejects.toMatchObject({ code: 'transaction_timeout' });
  await expect.poll(() => testbed.countOpenTransactions()).toBe(0);
});

test('A function that meets a serialization failure runs again under its key, and every effect is there once', async () => {
  const { schema, admin } = testbed.database;
  await admin.query(`CREATE TABLE ${schema}.totals (n int NOT NULL)`);
  await admin.query(`INSERT INTO ${schema}.totals VALUES (0)`);
  const conflicts: unknown[] = [];
  const stop = onEvent('transaction_failed', ({ code }) => conflicts.push(code));
  const transaction = testbed.openTransaction({ isolation: 'serializable' });
  const bothHaveRead = createGate();
  let reads = 0;
  const during = async (client: PoolClient) => {
    const { rows } = await client.query(`SELECT n FROM ${schema}.totals`);
    reads += 1;
    if (reads === 2) bothHaveRead.open();
    await bothHaveRead.opened;
    await client.query(`UPDATE ${schema}.totals SET n = $1`, [rows[0].n + 1]);
  };
  const { pay } = paymentFunction({ transaction, during });
  await Promise.all([pay(randomUUID()), pay(randomUUID())]);
  stop();
  expect((await admin.query(`SELECT n FROM ${schema}.totals`)).rows[0].n).toBe(2);
  expect(conflicts).toEqual(['transaction_conflict']);
});

test('A function that meets conflicts five times gives up with transaction_conflict, and nothing happened', async () => {
  const key = randomUUID();
  const { pay, calls } = paymentFunction({
    during: (client) => client.query(`DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$`),
  });
  await expect(pay(key)).rejects.toMatchObject({ code: 'transaction_conflict', retryable: true });
  expect(calls.count).toBe(5);
  expect(await testbed.countPayments(key)).toBe(0);
});

test('A key that is used by lease and by transaction at once never has both effects', async () => {
  const { schema, admin } = testbed.database;
  const byTransaction = paymentFunction();
  const byLease = makeIdempotent(
    async (key: string) => await admin.query(`INSERT INTO ${schema}.payments (key) VALUES ($1)`, [key]).then(() => key),
    { store: testbed.store, scope: 'shop', key: (key) => key },
  );
  const keys = Array.from({ length: 30 }, () => randomUUID());
  for (const key of keys) await Promise.allSettled([byTransaction.pay(key), byLease(key)]);
  const countAll = () => Promise.all(keys.map((key) => testbed.countPayments(key)));
  expect(Math.max(...(await countAll()))).toBe(1);
  for (const key of keys) await byTransaction.pay(key);
  expect(await countAll()).toEqual(keys.map(() => 1));
});

async function terminate(client: PoolClient): Promise<void> {
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  const lost = new Promise((resolve) => client.once('end', resolve));
  await testbed.database.admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
  await lost;
}
