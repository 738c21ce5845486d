// A PostgreSQL that is frozen for longer than a lease and then wakes, alone or after its replica was promoted: what runs, and what is on record.
import { executeIdempotently, type IdempotencyStore } from '@onceguard/core';
import { PostgresStore, pgTransactions } from '@onceguard/postgres';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { createGate } from '../transactions/gate.js';
import { paymentFunctionOf } from '../transactions/payment-function.js';
import { openTransactionTestbed, type TransactionTestbed } from '../transactions/transaction-testbed.js';
import { type PostgresLab, test } from './postgres-lab.js';

const leaseMs = 3_000;
const callTimeoutMs = 1_500;

/** A store and payments on a primary that may be frozen. The primary is awake again when the test ends. */
async function openFrozen(lab: PostgresLab, primary: PostgresServer) {
  const testbed = await openTransactionTestbed({ url: primary.url, callTimeoutMs });
  lab.onEnd(() => testbed.close().catch(() => {}));
  const { database, proxy } = testbed;
  const connect = async (url: string, timeoutMs = callTimeoutMs) => {
    const { schema } = database;
    const store = await PostgresStore.connect({ url, schema, callTimeoutMs: timeoutMs, housekeeping: false });
    lab.onEnd(() => store.close());
    return store;
  };
  const store = await connect(proxy.url);
  lab.onEnd(() => primary.thaw());
  return { primary, testbed, proxy, store, connect };
}

async function setSynchronous({ database: { admin } }: TransactionTestbed, isOn: boolean): Promise<void> {
  await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${isOn ? '*' : ''}'`);
  await admin.query('SELECT pg_reload_conf()');
}

/** Work under a lease that has begun, and goes on until it is let go. */
async function beginWork(store: IdempotencyStore, options: { leaseMs: number; onAbandoned?: 'rerun' | 'block' }) {
  const [begun, leave] = [createGate<AbortSignal>(), createGate()];
  const terms = { store, scope: 'shop', key: 'begun', onInProgress: { waitMs: 30_000 }, ...options };
  const first = executeIdempotently(async ({ signal }) => {
    begun.open(signal);
    await leave.opened;
    return 'by the first';
  }, terms).catch((error: unknown) => error);
  const signal = await begun.opened;
  const leaseIsOver = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  const repeat = () =>
    executeIdempotently(() => 'by a repeat', terms).then(
      (execution) => ({ kind: execution.kind, value: 'value' in execution ? execution.value : null }),
      ({ code }) => ({ kind: code, value: null }),
    );
  return { first, repeat, leave, leaseIsOver };
}

const codeOf = (error: { code?: string }) => error.code;
const countRecords = async ({ database: { admin, schema } }: TransactionTestbed) =>
  (await admin.query(`SELECT count(*)::int AS n FROM ${schema}.onceguard_records WHERE state = 'completed'`)).rows[0].n;

describe('A PostgreSQL that is frozen and wakes', () => {
  let primary: PostgresServer;

  beforeAll(async () => {
    primary = await startPostgres();
  });

  afterAll(async () => await primary.stop());

  test('refuses new work and leaves no lease of it; work that ended meanwhile is recorded when it wakes', async ({
    lab,
  }) => {
    const { store } = await openFrozen(lab, primary);
    const { first, repeat, leave } = await beginWork(store, { leaseMs: 60_000 });
    primary.freeze();
    expect([await lab.pay(store, 'new'), lab.runs('new')]).toEqual(['store_unavailable', 0]);
    leave.open();
    expect(await first).toMatchObject({ value: 'by the first', recorded: false });
    primary.thaw();
    expect(await repeat()).toEqual({ kind: 'replayed', value: 'by the first' });
    expect([await lab.pay(store, 'new'), lab.runs('new')]).toEqual(['executed', 1]);
  });

  test('for longer than a lease, in which the work ended: it is recorded all the same, as nobody took over', async ({
    lab,
  }) => {
    const { store, testbed } = await openFrozen(lab, primary);
    const { first, repeat, leave, leaseIsOver } = await beginWork(store, { leaseMs });
    primary.freeze();
    await leaseIsOver;
    leave.open();
    expect(await first).toMatchObject({ code: 'store_unavailable', class: 'unknown' });
    primary.thaw();
    await expect.poll(() => countRecords(testbed), { timeout: 60_000 }).toBe(1);
    expect(await repeat()).toEqual({ kind: 'replayed', value: 'by the first' });
  });

  test('for longer than a lease, and the work goes on: a repeat runs it again, and the first owner gets that result', async ({
    lab,
  }) => {
    const { store } = await openFrozen(lab, primary);
    const { first, repeat, leave, leaseIsOver } = await beginWork(store, { leaseMs });
    primary.freeze();
    await leaseIsOver;
    primary.thaw();
    expect(await repeat()).toEqual({ kind: 'executed', value: 'by a repeat' });
    leave.open();
    expect(await first).toMatchObject({ value: 'by a repeat' });
    expect(await repeat()).toEqual({ kind: 'replayed', value: 'by a repeat' });
  });

  test('for longer than a lease with onAbandoned block: a repeat does not run, and gets the result once the owner has ended', async ({
    lab,
  }) => {
    const { store } = await openFrozen(lab, primary);
    const { first, repeat, leave, leaseIsOver } = await beginWork(store, { leaseMs, onAbandoned: 'block' });
    primary.freeze();
    await leaseIsOver;
    primary.thaw();
    expect(await repeat()).toEqual({ kind: 'outcome_unknown', value: null });
    leave.open();
    expect(await first).toMatchObject({ value: 'by the first' });
    expect(await repeat()).toEqual({ kind: 'replayed', value: 'by the first' });
  });

  test('before the COMMIT of a transaction: its caller gets store_unavailable, and a repeat gets what happened', async ({
    lab,
  }) => {
    const { testbed } = await openFrozen(lab, primary);
    await paymentFunctionOf(testbed).pay('first');
    const { pay, calls } = paymentFunctionOf(testbed, { during: () => primary.freeze() });
    await expect(pay('frozen')).rejects.toMatchObject({ code: 'store_unavailable' });
    primary.thaw();
    await expect.poll(() => paymentFunctionOf(testbed).pay('frozen').catch(codeOf)).toMatch(/^\d+$/);
    expect(calls.count).toBe(1);
    expect([await testbed.countPayments('frozen'), await countRecords(testbed)]).toEqual([1, 2]);
  });

  test('for longer than a transaction may last: nothing of it stays, and a retry pays once', async ({ lab }) => {
    const { testbed } = await openFrozen(lab, primary);
    const pool = testbed.openPool({ idle_in_transaction_session_timeout: 500 });
    const transaction = testbed.store.transactions(pgTransactions(pool));
    await paymentFunctionOf(testbed, { transaction }).pay('first');
    const during = async () => {
      primary.freeze();
      await new Promise(() => {});
    };
    const { pay } = paymentFunctionOf(testbed, { transaction, maxExecutionMs: 1_000, during });
    await expect(pay('frozen')).rejects.toMatchObject({ code: 'transaction_timeout' });
    primary.thaw();
    await expect.poll(() => testbed.countOpenTransactions()).toBe(0);
    expect([await testbed.countPayments('frozen'), await countRecords(testbed)]).toEqual([0, 1]);
    await paymentFunctionOf(testbed).pay('frozen');
    expect([await testbed.countPayments('frozen'), await countRecords(testbed)]).toEqual([1, 2]);
  });
});

const before = Array.from({ length: 10 }, (_, n) => `before-${n}`);

describe('A primary that is frozen, replaced by its replica, and wakes', () => {
  /** Pays before, freezes the primary within a transaction that has written, and fails over. */
  async function failOver(lab: PostgresLab, synchronous: boolean) {
    const primary = await lab.server();
    const opened = await openFrozen(lab, primary);
    const { testbed, proxy, store } = opened;
    const replica = await lab.server({ standbyOf: primary });
    if (synchronous) await setSynchronous(testbed, true);
    // Otherwise the clean-up waits for a replica that is none any more.
    lab.onEnd(async () => {
      primary.thaw();
      await setSynchronous(testbed, false);
    });
    for (const key of before) expect(await lab.pay(store, key)).toBe('executed');
    const promoted = testbed.database.pool({ connectionString: replica.url, max: 1 });
    const throughProxy = testbed.database.store({ client: testbed.openPool({ max: 2 }), callTimeoutMs: 5_000 });
    const transaction = throughProxy.transactions(pgTransactions(testbed.pool));
    await paymentFunctionOf(testbed, { store: throughProxy, transaction }).pay('first');
    await expect.poll(() => countOn(promoted, testbed, 'first')).toBe(1);
    let hasFailedOver = false;
    const during = async () => {
      if (hasFailedOver) return;
      hasFailedOver = true;
      primary.freeze();
      await replica.promote();
      proxy.retarget(replica.url);
    };
    // Its connection is gone with the old primary. The new one has nothing of it, so the function runs again there.
    const { pay, calls } = paymentFunctionOf(testbed, { store: throughProxy, transaction, during });
    await pay('frozen');
    expect(calls.count).toBe(2);
    return { ...opened, promoted };
  }

  type Queries = TransactionTestbed['pool'];
  async function countOn(pool: Queries, { database: { schema } }: TransactionTestbed, key: string): Promise<number> {
    const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${schema}.payments WHERE key = $1`, [key]);
    return rows[0].n;
  }

  test('loses nothing with synchronous_standby_names: nobody can record anything on the old primary, and no work runs there', async ({
    lab,
  }) => {
    const { primary, store, testbed, promoted, connect } = await failOver(lab, true);
    for (const key of before) expect(await lab.pay(store, key)).toBe('replayed');
    expect(await countOn(promoted, testbed, 'frozen')).toBe(1);
    primary.thaw();
    const onOldPrimary = await connect(primary.url);
    expect([await lab.pay(onOldPrimary, 'split'), lab.runs('split')]).toEqual(['store_unavailable', 0]);
    expect([await lab.pay(store, 'split'), lab.runs('split')]).toEqual(['executed', 1]);
    await expect.poll(() => testbed.countOpenTransactions()).toBe(0);
    expect(await testbed.countPayments('frozen')).toBe(0);
  });

  test('runs work twice without it, by lease and in a transaction, where clients still reach the old primary', async ({
    lab,
  }) => {
    const { primary, store, testbed, promoted, connect } = await failOver(lab, false);
    for (const key of before) expect(await lab.pay(store, key)).toBe('replayed');
    expect(await countOn(promoted, testbed, 'frozen')).toBe(1);
    primary.thaw();
    const onOldPrimary = await connect(primary.url, 5_000);
    for (const one of [onOldPrimary, store]) expect(await lab.pay(one, 'split')).toBe('executed');
    expect(lab.runs('split')).toBe(2);
    const [oldPool, newPool] = [testbed.database.pool(), testbed.openPool()];
    for (const [client, pool] of [
      [onOldPrimary, oldPool],
      [store, newPool],
    ] as const) {
      const transaction = client.transactions(pgTransactions(pool));
      await paymentFunctionOf(testbed, { store: client, transaction }).pay('split transaction');
    }
    // On each server the payment and its record agree. Whichever server is given up loses both.
    const counts = [
      await testbed.countPayments('split transaction'),
      await countOn(promoted, testbed, 'split transaction'),
    ];
    expect(counts).toEqual([1, 1]);
  });
});
