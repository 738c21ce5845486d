// Requests whose effect and recorded response are one transaction, on each kind of adapter.
import { randomUUID } from 'node:crypto';
import type { HttpContext } from '@onceguard/core/http';
import { pgTransactions } from '@onceguard/postgres';
import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createGate } from './gate.js';
import { type Handler, type Reply, serverKinds, type TransactionServer } from './transaction-servers.js';
import { openTransactionTestbed, type TransactionTestbed } from './transaction-testbed.js';

let testbed: TransactionTestbed;

beforeAll(async () => {
  testbed = await openTransactionTestbed();
});

afterAll(async () => await testbed.close());

interface Payment {
  readonly status?: number;
  /** A row that has to exist at COMMIT. */
  readonly other?: number;
  /** Called after the payment was inserted. */
  readonly during?: (client: PoolClient, context: HttpContext) => unknown;
}

/** Inserts a payment, and responds with it. */
function pay(key: string, { status = 201, other, during }: Payment = {}): Handler {
  return async (context): Promise<Reply> => {
    const client = testbed.transaction.of(context);
    const payment = await testbed.insertPayment(client, key, other);
    await during?.(client, context);
    return { status, body: payment };
  };
}

describe.each(Object.entries(serverKinds))('%s', (_name, open) => {
  let server: TransactionServer;

  beforeAll(async () => {
    const { store, transaction } = testbed;
    server = await open({ store, transaction, maxExecutionMs: 2_000 });
    // The first transaction checks the source, and its COMMIT is not the one that a test wants to lose.
    const first = randomUUID();
    await server.post(first, pay(first));
  });

  afterAll(async () => await server.close());

  test('The response leaves after the commit, and a repeat replays it', async () => {
    const key = randomUUID();
    const first = await server.post(key, pay(key));
    expect(first).toMatchObject({ status: 201, replayed: false });
    expect(await testbed.countPayments(key)).toBe(1);
    expect(await server.post(key)).toEqual({ ...first, replayed: true });
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test.each([500, 503, 401, 429])(
    'A response %i rolls back what the handler wrote, and the key is free',
    async (status) => {
      const key = randomUUID();
      expect(await server.post(key, pay(key, { status }))).toMatchObject({ status });
      expect(await testbed.countPayments(key)).toBe(0);
      expect(await server.post(key, pay(key))).toMatchObject({ status: 201, replayed: false });
      expect(await testbed.countPayments(key)).toBe(1);
    },
  );

  test('A handler that throws is rolled back, and the key is free', async () => {
    const key = randomUUID();
    const refuse = () => {
      throw new Error('no');
    };
    expect(await server.post(key, pay(key, { during: refuse }))).toMatchObject({ status: 500 });
    expect(await testbed.countPayments(key)).toBe(0);
    expect(await server.post(key, pay(key))).toMatchObject({ status: 201 });
  });

  test('A response 402 is an outcome: what the handler wrote is committed with it', async () => {
    const key = randomUUID();
    expect(await server.post(key, pay(key, { status: 402 }))).toMatchObject({ status: 402 });
    expect(await testbed.countPayments(key)).toBe(1);
    expect(await server.post(key)).toMatchObject({ status: 402, replayed: true });
  });

  test('Of 8 requests at once one runs, and the others get 409 or its response', async () => {
    const key = randomUUID();
    let runs = 0;
    const during = async (client: PoolClient) => {
      runs += 1;
      await client.query('SELECT pg_sleep(0.1)');
    };
    const answers = await Promise.all(Array.from({ length: 8 }, () => server.post(key, pay(key, { during }))));
    expect(answers.filter(({ status, replayed }) => status === 201 && !replayed)).toHaveLength(1);
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect(runs).toBe(1);
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test('A constraint that fails at COMMIT takes the 201 back: the client gets transaction_refused, and nothing happened', async () => {
    const key = randomUUID();
    const answer = await server.post(key, pay(key, { other: 999 }));
    expect(answer).toMatchObject({ status: 500, body: { code: 'transaction_refused', completed: false } });
    expect(JSON.stringify(answer.body)).not.toContain('foreign key');
    expect(await testbed.countPayments(key)).toBe(0);
    expect(await server.post(key, pay(key))).toMatchObject({ status: 201 });
  });

  test('An SQL error that the handler swallowed is never a silent rollback: the client gets transaction_refused', async () => {
    const key = randomUUID();
    const during = async (client: PoolClient) => await client.query('SELECT 1/0').catch(() => {});
    const answer = await server.post(key, pay(key, { during }));
    expect(answer).toMatchObject({ status: 500, body: { code: 'transaction_refused' } });
    expect(await testbed.countPayments(key)).toBe(0);
  });

  test('When the reply to COMMIT is lost the response leaves all the same, because the record says that it happened', async () => {
    const key = randomUUID();
    const lost = testbed.proxy.injectFault('lose_reply', /COMMIT/);
    const first = await server.post(key, pay(key));
    await lost;
    expect(first).toMatchObject({ status: 201, replayed: false });
    expect(await testbed.countPayments(key)).toBe(1);
    expect(await server.post(key)).toEqual({ ...first, replayed: true });
  });

  test('When COMMIT never arrives the client gets transaction_conflict, nothing happened, and its retry runs', async () => {
    const key = randomUUID();
    const lost = testbed.proxy.injectFault('lose_request', /COMMIT/);
    const answer = await server.post(key, pay(key));
    await lost;
    expect(answer).toMatchObject({ status: 503, body: { code: 'transaction_conflict', retryable: true } });
    expect(await testbed.countPayments(key)).toBe(0);
    expect(await server.post(key)).toMatchObject({ status: 201, replayed: false });
    expect(await testbed.countPayments(key)).toBe(1);
  });

  test('When the connection dies while the handler works nothing happened, and a retry runs', async () => {
    const key = randomUUID();
    const during = async (client: PoolClient) => {
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      await testbed.database.admin.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
      await client.query('SELECT 1').catch(() => {});
    };
    expect((await server.post(key, pay(key, { during }))).status).toBeGreaterThanOrEqual(500);
    expect(await testbed.countPayments(key)).toBe(0);
    expect(await server.post(key, pay(key))).toMatchObject({ status: 201 });
  });

  test('A client that leaves changes nothing: the work is committed, and a repeat gets its response', async () => {
    const key = randomUUID();
    const [gate, left] = [createGate(), createGate()];
    const leaving = new AbortController();
    const during = async () => {
      leaving.abort();
      left.open();
      await gate.opened;
    };
    const answer = server.post(key, pay(key, { during }), leaving.signal).catch(() => {});
    await left.opened;
    gate.open();
    await expect.poll(() => testbed.countPayments(key), { interval: 10 }).toBe(1);
    await expect.poll(async () => (await server.post(key)).replayed, { interval: 10 }).toBe(true);
    await answer;
  });

  test('A handler that never responds is rolled back at maxExecutionMs, its client gets 503, and what it writes later is refused', async () => {
    const key = randomUUID();
    const gate = createGate();
    const after = createGate<unknown>();
    const during = async (client: PoolClient, { signal }: HttpContext) => {
      await gate.opened;
      await Promise.resolve()
        .then(() => client.query('SELECT 1'))
        .catch((error: { code: string }) => after.open([error.code, signal.aborted]));
    };
    const answer = await server.post(key, pay(key, { during }));
    expect(answer).toMatchObject({ status: 503, body: { code: 'transaction_timeout' } });
    await expect.poll(() => testbed.countOpenTransactions()).toBe(0);
    gate.open();
    expect(await after.opened).toEqual(['transaction_over', true]);
    expect(await testbed.countPayments(key)).toBe(0);
    expect(await server.post(key, pay(key))).toMatchObject({ status: 201, replayed: false });
  });

  test('Without a free connection the client gets 503, and the handler does not run', async () => {
    const key = randomUUID();
    const pool = testbed.openPool({ max: 1 });
    const transaction = testbed.store.transactions(pgTransactions(pool));
    const small = await open({ store: testbed.store, transaction });
    const run = async (context: HttpContext) => {
      await testbed.insertPayment(transaction.of(context), key);
      return { status: 201, body: {} };
    };
    expect(await small.post(randomUUID(), run)).toMatchObject({ status: 201 });
    const held = await pool.connect();
    let runs = 0;
    const answer = await small.post(key, async (context) => {
      runs += 1;
      return await run(context);
    });
    expect(answer).toMatchObject({ status: 503, body: { code: 'store_unavailable' } });
    held.release();
    expect(await small.post(key)).toMatchObject({ status: 201, replayed: false });
    expect(runs).toBe(1);
    await small.close();
  });
});
