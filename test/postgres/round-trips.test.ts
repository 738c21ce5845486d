// How many statements, and so round trips, a call takes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from './calls.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';
import { interceptedClient } from './rows-clients.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(async () => await testbed.close());

test('A first execution takes two round trips, a replay and a refusal one', async () => {
  let statements = 0;
  const client = interceptedClient(testbed.pool(), async (statement, run) => {
    statements += 1;
    return await run(statement);
  });
  const store = testbed.store({ client });
  const request = acquireRequest();
  const lease = leaseOf('k', request, await store.acquire('k', request));
  expect(await store.acquire('k', acquireRequest({ ownerToken: 'other' }))).toMatchObject({ kind: 'in_progress' });
  expect(statements).toBe(2);
  await store.complete(lease, completionOf('paid'));
  expect(statements).toBe(3);
  expect(await store.acquire('k', acquireRequest({ ownerToken: 'other' }))).toMatchObject({ kind: 'completed' });
  expect(statements).toBe(4);
});
