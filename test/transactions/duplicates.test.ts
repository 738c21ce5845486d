// Callers with one key at the same time: one runs, and the others are refused or wait.
import { pgTransactions } from '@onceguard/postgres';
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

test('Of 20 callers at once one runs, and the others get in_progress or its result', async () => {
  const order = orderOf();
  const { pay, calls } = paymentFunction();
  const all = await Promise.allSettled(Array.from({ length: 20 }, () => pay(order)));
  const refusals = all.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
  expect(refusals.filter((code) => code !== 'in_progress')).toEqual([]);
  expect(calls.count).toBe(1);
  expect(await testbed.countPayments(order.key)).toBe(1);
});

test('A caller in another process gets in_progress at once while the operation runs, and the result afterwards', async () => {
  const order = orderOf();
  const [begun, gate] = [createGate(), createGate()];
  const first = paymentFunction({
    during: async () => {
      begun.open();
      await gate.opened;
    },
  });
  // Another store knows nothing of what runs in this process.
  const store = testbed.database.store({ callTimeoutMs: 5_000 });
  const second = paymentFunction({ store, transaction: store.transactions(pgTransactions(testbed.pool)) });
  const running = first.pay(order);
  await begun.opened;
  await expect(second.pay(order)).rejects.toMatchObject({ code: 'in_progress', retryAfterMs: 1_000 });
  await expect(second.pay({ ...order, amount: 6 })).rejects.toMatchObject({ code: 'in_progress' });
  gate.open();
  expect(await second.pay(order).catch(() => running)).toEqual(await running);
  await expect(second.pay({ ...order, amount: 6 })).rejects.toMatchObject({ code: 'key_reused' });
  expect(second.calls.count).toBe(0);
});

test('Callers that wait hold no connection, and all get the result of the one that ran', async () => {
  const order = orderOf();
  const [begun, gate] = [createGate(), createGate()];
  const { pay, calls } = paymentFunction({
    transaction: testbed.store.transactions(pgTransactions(testbed.openPool({ max: 1 }))),
    onInProgress: { waitMs: 30_000 },
    during: async () => {
      begun.open();
      await gate.opened;
    },
  });
  const first = pay(order);
  await begun.opened;
  const others = Array.from({ length: 30 }, () => pay(order));
  const other = pay(orderOf()).catch((error: { code: string }) => error.code);
  expect(await other).toBe('store_unavailable');
  gate.open();
  const all = await Promise.all([first, ...others]);
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(calls.count).toBe(1);
});

test('A caller that waits runs itself when the one before it was rolled back', async () => {
  const order = orderOf();
  let isFirst = true;
  const begun = createGate();
  const { pay, calls } = paymentFunction({
    onInProgress: { waitMs: 30_000 },
    during: async (client) => {
      if (!isFirst) return;
      isFirst = false;
      begun.open();
      await client.query('SELECT pg_sleep(0.2)');
      throw new Error('declined');
    },
  });
  const first = pay(order);
  await begun.opened;
  const second = pay(order);
  await expect(first).rejects.toThrow('declined');
  await second;
  expect(calls.count).toBe(2);
  expect(await testbed.countPayments(order.key)).toBe(1);
});
