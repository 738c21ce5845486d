// Four processes with five connections each want to run the same keys: each key runs once, and all get the same result.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '../support/programs.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';

const keys = 100;
let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
  await testbed.admin.query(`CREATE TABLE ${testbed.schema}.effects (key text NOT NULL)`);
});

afterAll(async () => await testbed.close());

test(`Of four processes at once, one runs each of ${keys} keys, and the others get its result`, async () => {
  const outputs = await Promise.all([1, 2, 3, 4].map(runProcess));
  const { rows } = await testbed.admin.query(
    `SELECT count(*)::int AS effects, count(DISTINCT key)::int AS keys FROM ${testbed.schema}.effects`,
  );
  expect(rows).toEqual([{ effects: keys, keys }]);
  const results = new Set(outputs.flatMap((output) => output.trim().split('\n')));
  expect(results.size).toBe(keys);
}, 120_000);

async function runProcess(): Promise<string> {
  const program = new URL('./processes/run-keys.ts', import.meta.url);
  return await runProgram(program, [testbed.url, testbed.schema, String(keys)]);
}
