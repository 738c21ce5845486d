// Functions whose effect and record are one transaction of PostgreSQL.
import { executeIdempotently, lookup, makeIdempotent } from '@onceguard/core';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGate } from './gate.js';
import { type OrderOptions, orderFunction, orderOf } from './order-function.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterAll(async () => await testbed.close());

const paymentFunction = (options?: OrderOptions) => orderFunction(testbed, options);

test('The payment and its record are committed together, and a repeat gets the recorded result', async () => {
  const { pay, calls } = paymentFunction();
  const order = orderOf();
  const first = await pay(order);
  expect(await pay(order)).toEqual(first);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(order.key)).toBe(1);
});

test('While the operation runs neither the payment nor the record is visible to anybody else', async () => {
  const order = orderOf();
  const seen: unknown[] = [];
  const { pay } = paymentFunction({
    during: async (_client, { recordName }) => {
      seen.push(await testbed.countPayments(order.key), (await testbed.store.read(recordName)).record);
    },
  });
  await pay(order);
  expect(seen).toEqual([0, null]);
});

test('An operation that throws leaves no payment and no record, and the next call runs as the first attempt', async () => {
  const order = orderOf();
  const failures = [new Error('declined')];
  const { pay, calls } = paymentFunction({
    during: () => {
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
    },
  });
  await expect(pay(order)).rejects.toThrow('declined');
  expect(await testbed.countPayments(order.key)).toBe(0);
  expect(await lookup(testbed.store, { scope: 'shop', key: order.key })).toBeNull();
  expect(await pay(order)).toMatchObject({ attempt: 1 });
  expect(calls.count).toBe(2);
});

test('With onFailure and onAbandoned of payments a failure is rolled back all the same, and nothing is unknown', async () => {
  const order = orderOf();
  const { pay } = paymentFunction({
    onFailure: 'unknown',
    onAbandoned: 'block',
    during: () => {
      throw new Error('declined');
    },
  });
  await expect(pay(order)).rejects.toThrow('declined');
  await expect(pay(order)).rejects.toThrow('declined');
  expect(await testbed.countPayments(order.key)).toBe(0);
});

test('Another payload under the key is refused once the first has been committed', async () => {
  const { pay } = paymentFunction();
  const order = orderOf();
  await pay(order);
  await expect(pay({ ...order, amount: 6 })).rejects.toMatchObject({ code: 'key_reused' });
});

test('A final error rolls the payment back and is recorded, and a repeat throws it again without running', async () => {
  class CardDeclined extends Error {}
  const order = orderOf();
  const { pay, calls } = paymentFunction({
    finalErrors: { CardDeclined },
    during: () => {
      throw new CardDeclined('no money');
    },
  });
  await expect(pay(order)).rejects.toBeInstanceOf(CardDeclined);
  await expect(pay(order)).rejects.toBeInstanceOf(CardDeclined);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(order.key)).toBe(0);
});

test('What is written after the operation has returned is refused, and is in no other transaction', async () => {
  const order = orderOf();
  let late: PoolClient | undefined;
  const { pay } = paymentFunction({
    during: (client) => {
      late = client;
    },
  });
  await pay(order);
  expect(() => late?.query('SELECT 1')).toThrow(expect.objectContaining({ code: 'transaction_over' }));
});

test('A context without this transaction says so', async () => {
  const order = orderOf();
  const unused = testbed.openTransaction();
  const { pay } = paymentFunction({ during: (_client, context) => unused.of(context) });
  await expect(pay(order)).rejects.toMatchObject({ code: 'transaction_missing' });
  const byLease = executeIdempotently((context) => context.enqueue('topic', 'text'), {
    store: testbed.store,
    scope: 'shop',
    key: order.key,
  });
  await expect(byLease).rejects.toMatchObject({ code: 'transaction_missing' });
});

test('An operation in a transaction within another one is refused, and the outer one can still succeed', async () => {
  const [order, other] = [orderOf(), orderOf()];
  const inner = paymentFunction();
  const outer = paymentFunction({
    during: async () => await inner.pay(other).catch((error: { code: string; message: string }) => error.message),
  });
  expect(await outer.pay(order)).toMatchObject({ extra: expect.stringContaining('within another one') });
  expect(inner.calls.count).toBe(0);
  await inner.pay(other);
});

test('The work of a transaction may start another one that outlives it', async () => {
  const [order, other] = [orderOf(), orderOf()];
  const inner = paymentFunction();
  const gate = createGate();
  let later: Promise<unknown> | undefined;
  const outer = paymentFunction({
    during: () => {
      later = gate.opened.then(() => inner.pay(other));
    },
  });
  await outer.pay(order);
  gate.open();
  await later;
  expect(await testbed.countPayments(other.key)).toBe(1);
});

test('Steps run within the transaction, and a step at most once is refused', async () => {
  const order = orderOf();
  const { pay } = paymentFunction({
    during: async (_client, context) => {
      const refused = await context.step('send', () => 1, { atMostOnce: true }).catch((error) => error.code);
      return [await context.step('total', () => 7), refused];
    },
  });
  expect(await pay(order)).toMatchObject({ extra: [7, 'step_invalid'] });
});

test('A step that an earlier attempt recorded under a lease is not run again', async () => {
  const order = orderOf();
  const { store } = testbed;
  const options = { store, scope: 'shop', key: order.key, fingerprint: order };
  const charges: string[] = [];
  const byLease = executeIdempotently(async (context) => {
    await context.step('charge', () => charges.push('by lease'));
    throw new Error('crash');
  }, options);
  await expect(byLease).rejects.toThrow('crash');
  await executeIdempotently(async (context) => await context.step('charge', () => charges.push('by transaction')), {
    ...options,
    transaction: testbed.transaction,
  });
  expect(charges).toEqual(['by lease']);
});

test('Options that contradict a transaction are refused with the remedy', async () => {
  const { store } = testbed.database;
  const options = { store: testbed.store, scope: 'shop', key: () => 'k', transaction: testbed.transaction };
  const make = (extra: object) => () => makeIdempotent(() => 1, { ...options, ...extra });
  expect(make({ onStoreUnavailable: 'bypass' })).toThrow(/it must be "reject" with transaction/);
  expect(make({ onAbandoned: () => null })).toThrow(/it must be "rerun" or "block" with transaction/);
  expect(make({ store: store() })).toThrow(/it must be of the same store/);
  expect(make({ transaction: {} })).toThrow(/it must be what store.transactions\(…\) returns/);
});
