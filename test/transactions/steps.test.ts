// Steps of work under a lease that are transactions: for work that also calls other systems.
import { randomUUID } from 'node:crypto';
import { makeIdempotent, type OperationContext, type StepContext } from '@onceguard/core';
import { pgTransactions } from '@onceguard/postgres';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createGate } from './gate.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
  await order(async (context) => await insertInStep(context, 'insert', 'first'))('first');
});

afterAll(async () => await testbed.close());

/** Work under a lease. */
function order(run: (context: OperationContext) => Promise<unknown>, options: object = {}) {
  const { store } = testbed;
  return makeIdempotent(async (_key: string, context) => await run(context), {
    store,
    scope: 'orders',
    key: (key) => key,
    ...options,
  });
}

/** A step that inserts a payment, and whose result is its id. */
async function insertInStep(
  context: OperationContext,
  name: string,
  key: string,
  during: (step: StepContext) => unknown = () => {},
): Promise<string> {
  const { transaction } = testbed;
  const run = async (step: StepContext) => {
    const { id } = await testbed.insertPayment(transaction.of(step), key);
    await during(step);
    return id;
  };
  return await context.step(name, run, { transaction });
}

test('The effect of a step and its record are committed together: a later attempt gets the result and does not run it', async () => {
  const key = randomUUID();
  const failures = [new Error('crash')];
  const ids: string[] = [];
  const run = order(async (context) => {
    ids.push(await insertInStep(context, 'insert', key));
    const failure = failures.pop();
    if (failure !== undefined) throw failure;
  });
  await expect(run(key)).rejects.toThrow('crash');
  await run(key);
  expect(new Set(ids).size).toBe(1);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('A step that throws is rolled back, and is tried again as its options say', async () => {
  const { transaction } = testbed;
  const key = randomUUID();
  const failures = [new Error('busy')];
  const run = order(async (context) => {
    const fn = async (step: StepContext) => {
      await testbed.insertPayment(transaction.of(step), key);
      const failure = failures.pop();
      if (failure !== undefined) throw failure;
      return step.tryNumber;
    };
    return await context.step('insert', fn, { transaction, retries: 1, backoff: { initialMs: 1 } });
  });
  expect(await run(key)).toBe(2);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('A message of a step exists exactly if the step was committed', async () => {
  const key = randomUUID();
  const { schema, admin } = testbed.database;
  const messages = async () =>
    (await admin.query(`SELECT convert_from(payload, 'UTF8') AS text FROM ${schema}.onceguard_outbox ORDER BY seq`))
      .rows;
  const failing = order(async (context) => {
    await insertInStep(context, 'insert', key, async (step) => {
      await step.enqueue('paid', 'never');
      throw new Error('no');
    });
  });
  await expect(failing(key)).rejects.toThrow('no');
  const run = order(async (context) => {
    await insertInStep(context, 'insert', key, (step) => step.enqueue('paid', 'once'));
    await context
      .step('other', (step) => step.enqueue('paid', 'x'))
      .catch((error: { code: string }) => codes.push(error.code));
  });
  const codes: string[] = [];
  await run(key);
  expect(await messages()).toEqual([{ text: 'once' }]);
  expect(codes).toEqual(['transaction_missing']);
});

test('When the reply to the COMMIT of a step is lost, the step is on record, and its effect is there once', async () => {
  const key = randomUUID();
  const run = order(async (context) => await insertInStep(context, 'insert', key));
  const lost = testbed.proxy.injectFault('lose_reply', /COMMIT/);
  const id = await run(key);
  await lost;
  expect(await run(key)).toBe(id);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('When the COMMIT of a step never arrives, the step runs again, and its effect is there once', async () => {
  const key = randomUUID();
  let runs = 0;
  const count = () => {
    runs += 1;
  };
  const run = order(async (context) => await insertInStep(context, 'insert', key, count));
  const lost = testbed.proxy.injectFault('lose_request', /COMMIT/);
  await run(key);
  await lost;
  expect(runs).toBe(2);
  expect(await testbed.countPayments(key)).toBe(1);
});

test('An owner that has lost its lease commits no step any more', async () => {
  const key = randomUUID();
  const begun = createGate();
  const gate = createGate();
  const first = order(
    async (context) =>
      await insertInStep(context, 'insert', key, async () => {
        begun.open();
        await gate.opened;
      }),
    { leaseMs: 2_000, maxExecutionMs: 100 },
  )(key);
  first.catch(() => {});
  await begun.opened;
  const second = order(async (context) => await insertInStep(context, 'insert', key));
  await expect.poll(() => second(key).catch(() => null), { interval: 20, timeout: 60_000 }).not.toBeNull();
  gate.open();
  await expect(first).rejects.toMatchObject({ code: 'lease_lost' });
  expect(await testbed.countPayments(key)).toBe(1);
});

test('An owner that does not know that another one has taken over commits no step any more', async () => {
  const key = randomUUID();
  const { schema, admin } = testbed.database;
  const run = order(async (context) => {
    const takeOver = async () => {
      const set = `owner_token = 'another', fencing_token = fencing_token + 1, version = version + 1`;
      await admin.query(`UPDATE ${schema}.onceguard_records SET ${set} WHERE key = $1`, [context.recordName]);
    };
    return await insertInStep(context, 'insert', key, takeOver);
  });
  await expect(run(key)).rejects.toMatchObject({ code: 'lease_lost' });
  expect(await testbed.countPayments(key)).toBe(0);
});

test('A step in a transaction is refused where it cannot be one', async () => {
  const { transaction, store } = testbed;
  const codes: string[] = [];
  const other = testbed.database.store();
  const foreign = other.transactions(pgTransactions(testbed.pool));
  const attempt = async (context: OperationContext, name: string, options: object) =>
    await context.step(name, () => 1, options).catch((error: { code: string }) => codes.push(error.code));
  await order(async (context) => {
    await attempt(context, 'twice', { transaction, atMostOnce: true });
    await attempt(context, 'foreign', { transaction: foreign });
  })(randomUUID());
  const within = makeIdempotent(
    async (_key: string, context) => void (await attempt(context, 'nested', { transaction })),
    {
      store,
      scope: 'orders',
      key: (key) => key,
      transaction,
    },
  );
  await within(randomUUID());
  expect(codes).toEqual(['option_invalid', 'option_invalid', 'step_invalid']);
});
