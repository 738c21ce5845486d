// Functions and requests whose effect and record are one transaction of SQLite.
import { randomUUID } from 'node:crypto';
import { executeIdempotently, type IdempotentOptions, makeIdempotent, type OperationContext } from '@onceguard/core';
import { type SqliteDatabase, SqliteStore } from '@onceguard/sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { acquireRequest } from '../../packages/testing/src/store-suite/test-helpers.js';
import { libraries, newDirectory } from '../sqlite/sqlite-libraries.js';
import { createGate } from './gate.js';

interface Order {
  readonly key: string;
  readonly other?: number;
}

type During = (client: SqliteDatabase, context: OperationContext) => unknown;

const insert = 'INSERT INTO payments (key, other) VALUES (?, ?)';

describe.each(libraries)('Transactions of SqliteStore on $name', ({ open }) => {
  let directory: ReturnType<typeof newDirectory>;
  let path: string;
  let database: SqliteDatabase;
  /** Another connection to the same file, as another process has one. */
  let beside: SqliteDatabase;
  let store: SqliteStore;

  const openStore = (callTimeoutMs = 2_000) => new SqliteStore({ database, callTimeoutMs });

  beforeEach(() => {
    directory = newDirectory();
    path = `${directory.path}/shop.db`;
    beside = open(path);
    beside.exec('PRAGMA journal_mode = WAL');
    beside.exec('CREATE TABLE others (id INTEGER PRIMARY KEY)');
    beside.exec('CREATE TABLE payments (key TEXT, other INTEGER REFERENCES others DEFERRABLE INITIALLY DEFERRED)');
    database = open(path);
    database.exec('PRAGMA foreign_keys = ON');
    store = openStore();
  });

  afterEach(async () => {
    await store.close();
    database.close();
    beside.close();
    directory.remove();
  });

  const count = (key: string) =>
    Number((beside.prepare('SELECT count(*) AS n FROM payments WHERE key = ?').get(key) as { n: number }).n);

  function paymentFunction({
    during,
    ...options
  }: { during?: During } & Partial<IdempotentOptions<Order, unknown>> = {}) {
    const transaction = store.transactions();
    const calls = { count: 0 };
    const pay = makeIdempotent(
      async ({ key, other }: Order, context) => {
        calls.count += 1;
        const client = transaction.of(context);
        client.prepare(insert).run(key, other ?? null);
        await during?.(client, context);
        return { run: calls.count };
      },
      { store, scope: 'shop', key: ({ key }) => key, ...options, transaction },
    );
    return { pay, calls };
  }

  const orderOf = (): Order => ({ key: randomUUID() });

  test('The payment and its record are committed together, and a repeat gets the recorded result', async () => {
    const { pay } = paymentFunction();
    const order = orderOf();
    expect(await pay(order)).toEqual({ run: 1 });
    expect(await pay(order)).toEqual({ run: 1 });
    expect(count(order.key)).toBe(1);
  });

  test('While the operation runs nobody else sees the payment or the record, and other calls wait for its end', async () => {
    const [inside, leave] = [createGate<string>(), createGate()];
    const { pay } = paymentFunction({
      during: async (_client, { recordName }) => {
        inside.open(recordName);
        await leave.opened;
      },
    });
    const order = orderOf();
    const paid = pay(order);
    const recordName = await inside.opened;
    const other = new SqliteStore({ database: beside, storeName: 'beside' });
    expect([count(order.key), (await other.read(recordName)).record]).toEqual([0, null]);
    const ended: string[] = [];
    const waiting = [
      store.acquire('another', acquireRequest()).then(({ kind }) => ended.push(kind)),
      store.read(recordName).then(({ record }) => ended.push(String(record?.state))),
    ];
    await other.read(recordName);
    expect(ended).toEqual([]);
    leave.open();
    await Promise.all([paid, ...waiting]);
    expect(ended.sort()).toEqual(['acquired', 'completed']);
    expect(count(order.key)).toBe(1);
  });

  test('Of 40 calls at once for 8 orders each order is paid once', async () => {
    const { pay, calls } = paymentFunction({ onInProgress: { waitMs: 5_000 } });
    const orders = Array.from({ length: 8 }, orderOf);
    const paid = await Promise.all(Array.from({ length: 40 }, (_, at) => pay(orders[at % 8] as Order)));
    expect(paid).toHaveLength(40);
    expect(calls.count).toBe(8);
    for (const { key } of orders) expect(count(key)).toBe(1);
  });

  test('A duplicate is refused at once while the first runs', async () => {
    const [inside, leave] = [createGate(), createGate()];
    const { pay } = paymentFunction({
      during: async () => {
        inside.open();
        await leave.opened;
      },
    });
    const order = orderOf();
    const first = pay(order);
    await inside.opened;
    await expect(pay(order)).rejects.toMatchObject({ code: 'in_progress' });
    leave.open();
    expect(await first).toEqual({ run: 1 });
  });

  test('An operation that throws leaves no payment and no record, and the next call runs', async () => {
    const failures = [new Error('declined')];
    const { pay } = paymentFunction({
      during: () => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
      },
    });
    const order = orderOf();
    await expect(pay(order)).rejects.toThrow('declined');
    expect(count(order.key)).toBe(0);
    expect(await pay(order)).toEqual({ run: 2 });
    expect(count(order.key)).toBe(1);
  });

  test('A deferred constraint that fails at COMMIT undoes the payment, and nothing is recorded', async () => {
    const { pay, calls } = paymentFunction();
    const order = { ...orderOf(), other: 7 };
    await expect(pay(order)).rejects.toMatchObject({ code: 'transaction_refused' });
    expect(count(order.key)).toBe(0);
    beside.exec('INSERT INTO others (id) VALUES (7)');
    await pay(order);
    expect([calls.count, count(order.key)]).toEqual([2, 1]);
  });

  test('An operation that ends the transaction itself gets an error that says so, and nothing is recorded', async () => {
    const { pay, calls } = paymentFunction({ during: (client) => client.exec('ROLLBACK') });
    const order = orderOf();
    await expect(pay(order)).rejects.toMatchObject({ code: 'transaction_over' });
    await expect(pay(order)).rejects.toMatchObject({ code: 'transaction_over' });
    expect([calls.count, count(order.key)]).toEqual([2, 0]);
    expect(await store.acquire('another', acquireRequest())).toMatchObject({ kind: 'acquired' });
  });

  test('The connection takes nothing more once the operation has ended', async () => {
    const kept: SqliteDatabase[] = [];
    const { pay } = paymentFunction({ during: (client) => kept.push(client) });
    await pay(orderOf());
    expect(() => kept[0]?.exec('DELETE FROM payments')).toThrow(expect.objectContaining({ code: 'transaction_over' }));
  });

  test('An operation that takes longer than maxExecutionMs is rolled back, and the file is free again', async () => {
    const { pay } = paymentFunction({ maxExecutionMs: 100, during: () => new Promise(() => {}) });
    const order = orderOf();
    await expect(pay(order)).rejects.toMatchObject({ code: 'transaction_timeout' });
    expect(count(order.key)).toBe(0);
    expect(await store.acquire('another', acquireRequest())).toMatchObject({ kind: 'acquired' });
  });

  test('Where another process holds the file until the deadline, nothing runs', async () => {
    await store.close();
    store = openStore(100);
    const { pay, calls } = paymentFunction();
    const order = orderOf();
    beside.exec('BEGIN IMMEDIATE');
    await expect(pay(order)).rejects.toMatchObject({ code: 'store_unavailable' });
    beside.exec('COMMIT');
    expect(calls.count).toBe(0);
    await pay(order);
    expect(count(order.key)).toBe(1);
  });

  test('Whether a transaction is open is known, of this process and of another one, and what is on record otherwise', async () => {
    const transaction = store.transactions();
    const inside: unknown[] = [];
    const { pay } = paymentFunction({
      during: async (_client, { recordName }) => inside.push(recordName, await transaction.inspect(recordName)),
    });
    await pay(orderOf());
    const [recordName, open] = inside as [string, unknown];
    expect(open).toMatchObject({ record: null, isAlone: false });
    expect(await transaction.inspect(recordName)).toMatchObject({ record: { state: 'completed' }, isAlone: true });
    beside.exec('BEGIN IMMEDIATE');
    expect(await transaction.inspect(recordName)).toMatchObject({ record: { state: 'completed' }, isAlone: false });
    beside.exec('COMMIT');
  });

  test('A step may be a transaction of its own within work that has a lease', async () => {
    const transaction = store.transactions();
    const failures = [new Error('the mail server is away')];
    const work = async (context: OperationContext) => {
      await context.step('pay', (step) => transaction.of(step).prepare(insert).run('order', null), { transaction });
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
      return 'done';
    };
    const options = { store, scope: 'shop', key: 'order' };
    await expect(executeIdempotently(work, options)).rejects.toThrow('away');
    expect(count('order')).toBe(1);
    expect(await executeIdempotently(work, options)).toMatchObject({ value: 'done' });
    expect(count('order')).toBe(1);
  });

  test('A message for an outbox is refused with what to do instead', async () => {
    const { pay } = paymentFunction({ during: (_client, context) => context.enqueue('paid', Buffer.from('1')) });
    await expect(pay(orderOf())).rejects.toThrow('Write the message into a table of your own');
  });
});
