// What is special about the transactions of Prisma: models, conflicts with a code of its own, and its limit of five seconds.
import { randomUUID } from 'node:crypto';
import { makeIdempotent, onEvent, type TransactionPort } from '@onceguard/core';
import { prismaTransactions } from '@onceguard/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrisma, type PrismaTestClient, type PrismaTestTransaction } from '../support/prisma-client.js';
import { createGate } from './gate.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;
let prisma: PrismaTestClient;

beforeAll(async () => {
  testbed = await openTransactionTestbed({ callTimeoutMs: 5_000 });
  const { admin, schema, url } = testbed.database;
  await admin.query(`CREATE TABLE ${schema}.accounts (id text PRIMARY KEY, cents int NOT NULL)`);
  prisma = await openPrisma(url, schema);
}, 120_000);

afterAll(async () => {
  await prisma.$disconnect();
  await testbed.close();
});

type Work = (tx: PrismaTestTransaction, key: string) => Promise<unknown>;

/** A function whose calls are counted. Its result is the key. */
function functionOf(work: Work, transaction = testbed.store.transactions(prismaTransactions(prisma))) {
  const port = transaction as TransactionPort<PrismaTestTransaction>;
  const calls = { count: 0 };
  const run = makeIdempotent(
    async (key: string, context) => {
      calls.count += 1;
      await work(port.of(context), key);
      return key;
    },
    { store: testbed.store, scope: 'accounts', key: (key) => key, transaction: port },
  );
  return { run, calls };
}

async function countAccounts(key: string): Promise<number> {
  const { admin, schema } = testbed.database;
  return (await admin.query(`SELECT count(*)::int AS n FROM ${schema}.accounts WHERE id = $1`, [key])).rows[0].n;
}

const createAccount: Work = (tx, id) => Promise.resolve(tx.account.create({ data: { id, cents: 0 } }));

test('What the operation writes through a model is committed with its record, and rolled back with it', async () => {
  const [kept, refused] = [randomUUID(), randomUUID()];
  const { run, calls } = functionOf(async (tx, key) => {
    await createAccount(tx, key);
    if (key === refused) throw new Error('declined');
  });
  await run(kept);
  await run(kept);
  await expect(run(refused)).rejects.toThrow('declined');
  expect(calls.count).toBe(2);
  expect([await countAccounts(kept), await countAccounts(refused)]).toEqual([1, 0]);
});

test('A model that the operation has kept writes nothing after its end', async () => {
  let model: PrismaTestTransaction['account'] | undefined;
  const { run } = functionOf(async (tx) => {
    model = tx.account;
  });
  await run(randomUUID());
  const late = randomUUID();
  const write = async () => await model?.create({ data: { id: late, cents: 0 } });
  await expect(write()).rejects.toThrow();
  expect(await countAccounts(late)).toBe(0);
});

test('An operation that meets a conflict of Prisma runs again under its key, and every effect is there once', async () => {
  const total = randomUUID();
  await functionOf(createAccount).run(total);
  const conflicts: unknown[] = [];
  const stop = onEvent('transaction_failed', ({ code }) => conflicts.push(code));
  const bothHaveRead = createGate();
  let reads = 0;
  const transaction = testbed.store.transactions(prismaTransactions(prisma, { isolation: 'serializable' }));
  const { run } = functionOf(async (tx) => {
    const account = await tx.account.findUniqueOrThrow({ where: { id: total } });
    reads += 1;
    if (reads === 2) bothHaveRead.open();
    await bothHaveRead.opened;
    await tx.account.update({ where: { id: total }, data: { cents: account.cents + 1 } });
  }, transaction);
  await Promise.all([run(randomUUID()), run(randomUUID())]);
  stop();
  expect(conflicts).toContain('transaction_conflict');
  const { admin, schema } = testbed.database;
  const { rows } = await admin.query(`SELECT cents FROM ${schema}.accounts WHERE id = $1`, [total]);
  expect(rows).toEqual([{ cents: 2 }]);
});

test('A transaction may take longer than the five seconds after which Prisma ends others', async () => {
  const key = randomUUID();
  const { run } = functionOf(async (tx) => {
    await createAccount(tx, key);
    await tx.$queryRawUnsafe('SELECT pg_sleep(5.5)::text');
  });
  await run(key);
  expect(await countAccounts(key)).toBe(1);
});
