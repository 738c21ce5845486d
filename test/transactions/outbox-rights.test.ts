// A table or a right that the outbox lacks: the error names the remedy, the transaction leaves nothing, and nothing is published.
import { randomUUID } from 'node:crypto';
import { makeIdempotent } from '@onceguard/core';
import { type PostgresStore, pgTransactions, type RelayOptions } from '@onceguard/postgres';
import type { Pool } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openTestbed, type Testbed } from '../postgres/postgres-testbed.js';

let testbed: Testbed;
let role: string;
/** The pool of a role with all rights on the tables, but for those on the outbox that a test takes away. */
let pool: Pool;
let store: PostgresStore;

const rights = 'SELECT, INSERT, UPDATE, DELETE';

beforeAll(async () => {
  testbed = await openTestbed();
  const { schema, admin } = testbed;
  role = `${schema}_outbox`;
  await admin.query(`CREATE ROLE ${role} LOGIN; GRANT USAGE ON SCHEMA ${schema} TO ${role};
    CREATE TABLE ${schema}.payments (key text); GRANT ${rights} ON ALL TABLES IN SCHEMA ${schema} TO ${role}`);
  pool = testbed.pool({ connectionString: testbed.url.replace('onceguard@', `${role}@`) });
  store = testbed.store({ client: pool, callTimeoutMs: 5_000 });
});

afterEach(async () => {
  await testbed.store({ client: testbed.admin }).migrate();
  await testbed.admin.query(`GRANT ${rights} ON ${testbed.schema}.onceguard_outbox TO ${role}`);
});

afterAll(async () => {
  await testbed.admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await testbed.close();
});

/** Pays in a transaction and sends a message, under a key of its own. */
async function pay(options: { readonly orderingKey?: string } = {}): Promise<void> {
  const transaction = store.transactions(pgTransactions(pool));
  const payment = makeIdempotent(
    async (key: string, context) => {
      await transaction.of(context).query(`INSERT INTO ${testbed.schema}.payments VALUES ($1)`, [key]);
      await context.enqueue('paid', key, options);
    },
    { store, scope: 'shop', key: (key) => key, transaction },
  );
  await payment(randomUUID());
}

async function count(table: string): Promise<number> {
  return (await testbed.admin.query(`SELECT count(*)::int AS n FROM ${testbed.schema}.${table}`)).rows[0].n;
}

const dropOutbox = () => `DROP TABLE ${testbed.schema}.onceguard_outbox`;
const revoke = (right: string) => () => `REVOKE ${right} ON ${testbed.schema}.onceguard_outbox FROM ${role}`;
const toMigrate = '`await store.migrate()`';
const toGrant = 'docs/postgres.md#rights';

test.each([
  ['the table of the outbox', dropOutbox, toMigrate],
  ['the right to INSERT into the outbox', revoke('INSERT'), toGrant],
])(
  'Without %s enqueue() rejects with the remedy, and neither the payment nor a record stays',
  async (_what, takeAway, remedy) => {
    const [payments, records] = [await count('payments'), await count('onceguard_records')];
    await testbed.admin.query(takeAway());
    const refusal = { code: 'store_misconfigured', message: expect.stringContaining(remedy) };
    await expect(pay()).rejects.toMatchObject(refusal);
    await expect(pay({ orderingKey: 'account 1' })).rejects.toMatchObject(refusal);
    expect([await count('payments'), await count('onceguard_records')]).toEqual([payments, records]);
  },
);

test('After migrate() has made a dropped outbox again, payments send their messages', async () => {
  await testbed.admin.query(dropOutbox());
  await testbed.store({ client: testbed.admin }).migrate();
  await testbed.admin.query(`GRANT ${rights} ON ${testbed.schema}.onceguard_outbox TO ${role}`);
  await pay();
  expect(await count('onceguard_outbox')).toBe(1);
});

test('A store without transactions works without the outbox, and its check finds nothing', async () => {
  await testbed.admin.query(dropOutbox());
  expect(await store.check()).toEqual([]);
  expect(await store.read('order-1')).toMatchObject({ record: null });
});

test.each([
  ['the table of the outbox', dropOutbox, toMigrate],
  ['the right to SELECT', revoke('SELECT'), toGrant],
  ['the right to UPDATE', revoke('UPDATE'), toGrant],
  ['the right to DELETE, which would publish each message again and again,', revoke('DELETE'), toGrant],
])(
  'A relay without %s says the remedy to onError, and publishes nothing until it is there',
  async (_what, takeAway, remedy) => {
    await pay();
    const waiting = await count('onceguard_outbox');
    await testbed.admin.query(takeAway());
    const stopping = new AbortController();
    const published: unknown[] = [];
    const failed = new Promise<unknown>((resolve) => {
      const transactions = pgTransactions(pool) as RelayOptions['transactions'];
      const options = { transactions, signal: stopping.signal, onError: resolve, pollMs: 5 };
      void store.relay((message) => published.push(message), options);
    });
    expect(await failed).toMatchObject({
      name: 'StoreError',
      class: 'misconfigured',
      message: expect.stringContaining(remedy),
    });
    expect(published).toEqual([]);
    await testbed.store({ client: testbed.admin }).migrate();
    await testbed.admin.query(`GRANT ${rights} ON ${testbed.schema}.onceguard_outbox TO ${role}`);
    if (takeAway !== dropOutbox) await expect.poll(() => published.length, { timeout: 60_000 }).toBe(waiting);
    stopping.abort();
  },
);
