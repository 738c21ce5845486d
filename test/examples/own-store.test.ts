// The store of docs/own-store.md, as a reader would use it: in two processes that race for the same keys.
import { makeIdempotent, StoreError } from '@onceguard/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from '../../examples/docs/own-store.js';
import { openTableTestbed, type TableTestbed } from '../store/compare-and-swap/postgres-table-testbed.js';
import { runProgram } from '../support/programs.js';

const keys = 40;
const connections = 10;
let testbed: TableTestbed;

beforeAll(async () => {
  testbed = await openTableTestbed();
  await testbed.admin.query('CREATE TABLE effects (key text NOT NULL)');
});

afterAll(async () => await testbed.close());

test(`Of two processes with ${connections} connections each, one runs each of ${keys} keys, and the other gets its result`, async () => {
  const outputs = await Promise.all([runProcess(), runProcess()]);
  const { rows } = await testbed.admin.query(
    'SELECT count(*)::int AS effects, count(DISTINCT key)::int AS keys FROM effects',
  );
  expect(rows).toEqual([{ effects: keys, keys }]);
  const results = new Set(outputs.flatMap((output) => output.trim().split('\n')));
  expect(results.size).toBe(keys);
}, 120_000);

async function runProcess(): Promise<string> {
  const program = new URL('../store/compare-and-swap/processes/run-keys.ts', import.meta.url);
  return await runProgram(program, [testbed.url, testbed.schema, String(keys), String(connections)]);
}

test('A function runs once, and its repeat gets the recorded result', async () => {
  let runs = 0;
  const pay = makeIdempotent(async (order: string) => ({ order, charge: ++runs }), {
    store: openStore(testbed.pool()),
    scope: 'shop',
    key: (order) => order,
  });
  expect(await pay('order-1')).toEqual({ order: 'order-1', charge: 1 });
  expect(await pay('order-1')).toEqual({ order: 'order-1', charge: 1 });
});

test('Without the table nothing runs, and the error says what to do', async () => {
  const pool = testbed.pool();
  await testbed.admin.query('ALTER TABLE idempotency_records RENAME TO away');
  const call = openStore(pool).read('order-1');
  await expect(call).rejects.toMatchObject({ class: 'misconfigured', message: expect.stringContaining('42P01') });
  await expect(call).rejects.toBeInstanceOf(StoreError);
  await testbed.admin.query('ALTER TABLE away RENAME TO idempotency_records');
});
