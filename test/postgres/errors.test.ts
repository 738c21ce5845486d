// What a failure means: whether the call may have been executed. And what never appears in a message.
import { inspect } from 'node:util';
import { type FaultProxy, startFaultProxy } from '@onceguard/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from './calls.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';
import { interceptedClient } from './rows-clients.js';

let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(async () => await testbed.close());

const coded = (code: string, message = 'it failed') => Object.assign(new Error(message), { code });

test.each([
  ['40001', 'unavailable'],
  ['55P03', 'unavailable'],
  ['57014', 'unavailable'],
  ['53300', 'unavailable'],
  ['25006', 'unavailable'],
  ['57P01', 'unknown'],
  ['08006', 'unknown'],
  ['XX000', 'unknown'],
  ['28P01', 'misconfigured'],
  ['42501', 'misconfigured'],
  ['3D000', 'misconfigured'],
  ['53100', 'misconfigured'],
  ['23514', 'bug'],
  ['ECONNREFUSED', 'unavailable'],
  ['ECONNRESET', 'unknown'],
  ['CONNECTION_CLOSED', 'unknown'],
])('An error with the code %s means %s, also within the error of a library', async (code, storeClass) => {
  for (const error of [coded(code), new Error('Failed query', { cause: coded(code) })]) {
    const store = testbed.store({ client: { rows: async () => await Promise.reject(error) } });
    await expect(store.read('k')).rejects.toMatchObject({ class: storeClass });
  }
});

test('An error without a code may have come after the execution', async () => {
  const store = testbed.store({ client: { rows: async () => await Promise.reject(new Error('odd')) } });
  await expect(store.read('k')).rejects.toMatchObject({ class: 'unknown' });
});

test('No error has the statement or a value of it, whatever the library adds', async () => {
  const cause = Object.assign(coded('22021', 'invalid byte sequence: secret'), { detail: 'secret', query: 'secret' });
  const error = Object.assign(new Error('Failed query: secret', { cause }), { params: ['secret'] });
  for (const thrown of [error, new Error('secret')]) {
    const store = testbed.store({ client: { rows: async () => await Promise.reject(thrown) } });
    const failure = await store.read('k').catch((reason: unknown) => reason);
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain('secret');
  }
});

test('A full disk and a value that is too large say that fewer bytes may succeed', async () => {
  for (const [code, refusal] of [
    ['53100', 'full'],
    ['54000', 'too_large'],
  ]) {
    const store = testbed.store({ client: { rows: async () => await Promise.reject(coded(String(code))) } });
    await expect(store.read('k')).rejects.toMatchObject({ refusal });
  }
});

test('A statement that the server cancels was not executed', async () => {
  const request = acquireRequest();
  const lease = leaseOf('cancelled', request, await testbed.store().acquire('cancelled', request));
  const blocker = await testbed.admin.connect();
  await blocker.query(`BEGIN; SELECT 1 FROM ${testbed.schema}.onceguard_records FOR UPDATE`);
  const store = testbed.store({ client: testbed.pool({ statement_timeout: 50 }) });
  await expect(store.complete(lease, completionOf('x'))).rejects.toMatchObject({ class: 'unavailable' });
  await blocker.query('ROLLBACK');
  blocker.release();
  expect(await testbed.store().complete(lease, completionOf('x'))).toMatchObject({ kind: 'ok' });
});

test('A pooler that loses prepared statements is noticed once, and every call succeeds', async () => {
  let refused = 0;
  const pool = testbed.pool();
  const client = {
    query: async (config: { text: string; values: unknown[]; name?: string }) => {
      if (config.name === undefined) return await pool.query(config);
      refused += 1;
      throw coded('26000', 'prepared statement "onceguard_1" does not exist');
    },
  };
  const store = testbed.store({ client });
  expect(await store.acquire('pooled', acquireRequest())).toMatchObject({ kind: 'acquired' });
  expect(await store.acquire('pooled', acquireRequest({ ownerToken: 'other' }))).toMatchObject({ kind: 'in_progress' });
  expect(refused).toBe(1);
  expect(await store.check()).toMatchObject([{ code: 'postgres_prepared_refused', severity: 'warning' }]);
});

describe('A connection that is lost', () => {
  let proxy: FaultProxy;

  beforeAll(async () => {
    proxy = await startFaultProxy(testbed.url);
  });

  afterAll(async () => await proxy.close());

  test('after the server executed the call is unknown, and the same call again recognises its own work', async () => {
    const url = testbed.url.replace(/127\.0\.0\.1:\d+/, `127.0.0.1:${proxy.port}`);
    const store = testbed.store({ client: testbed.pool({ connectionString: url, max: 1 }) });
    const request = acquireRequest({ ownerToken: 'lost' });
    await store.read('lost');
    await Promise.all([
      proxy.injectFault('lose_reply'),
      expect(store.acquire('lost', request)).rejects.toMatchObject({ class: 'unknown' }),
    ]);
    const lease = leaseOf('lost', request, await store.acquire('lost', request));
    expect(lease.attempt).toBe(1);
    await store.renew(lease, 60_000);
    await Promise.all([
      proxy.injectFault('lose_reply'),
      expect(store.complete(lease, completionOf('x'))).rejects.toMatchObject({ class: 'unknown' }),
    ]);
    expect(await store.complete(lease, completionOf('x'))).toMatchObject({ kind: 'ok' });
  });
});

test.each(['before', 'after'])('A session that ends %s each verb leaves every verb safe to repeat', async (when) => {
  const pool = testbed.pool({ max: 2 });
  let ends = false;
  const client = interceptedClient(pool, async (statement, run) => {
    if (!ends) return await run(statement);
    ends = false;
    if (when === 'after') await run(statement);
    throw coded('57P01', 'terminating connection due to administrator command');
  });
  const store = testbed.store({ client });
  const twice = async <T>(call: () => Promise<T>): Promise<T> => {
    ends = true;
    await expect(call()).rejects.toMatchObject({ class: 'unknown' });
    return await call();
  };
  const key = `ends-${when}`;
  const request = acquireRequest({ ownerToken: key });
  const lease = leaseOf(key, request, await twice(() => store.acquire(key, request)));
  expect(lease.attempt).toBe(1);
  const point = { step: 'charge', seq: 2, bytes: Buffer.from('1') };
  expect(await twice(() => store.checkpoint(lease, point))).toMatchObject({ kind: 'ok' });
  expect(await twice(() => store.renew(lease, 60_000))).toMatchObject({ kind: 'ok' });
  expect(await twice(() => store.complete(lease, completionOf('done')))).toMatchObject({ kind: 'ok' });
  const repeat = await store.acquire(key, acquireRequest({ ownerToken: 'other' }));
  expect(repeat).toMatchObject({ kind: 'completed', outcome: Buffer.from('done'), attempt: 1 });
});
