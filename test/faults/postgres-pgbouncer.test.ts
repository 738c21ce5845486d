// PgBouncer in transaction mode between the store and PostgreSQL.
import { executeIdempotently, onEvent } from '@onceguard/core';
import { pgTransactions } from '@onceguard/postgres';
import { describe, expect } from 'vitest';
import { startPgBouncer } from '../support/pgbouncer.js';
import { test } from './postgres-lab.js';

const payments = 100;

describe('Behind PgBouncer in transaction mode,', () => {
  test.for([{ prepare: true }, { prepare: false }])(
    'work runs once for each key, whichever of two stores its duplicates come through: %j',
    async ({ prepare }, { lab }) => {
      const server = await lab.server();
      const pgBouncer = await startPgBouncer(server.url, 3);
      lab.onEnd(() => pgBouncer.stop());
      const testbed = await lab.testbed(server.url);
      const warnings: string[] = [];
      lab.onEnd(onEvent('warning', ({ code }) => warnings.push(code)));
      const stores = [1, 2].map(() =>
        testbed.store({ prepare, client: testbed.pool({ connectionString: pgBouncer.url, max: 8 }) }),
      );
      const keys = Array.from({ length: payments }, (_, n) => `order-${n}`);
      const ends = await Promise.all(
        stores.flatMap((store) => keys.flatMap((key) => [lab.pay(store, key), lab.pay(store, key)])),
      );
      expect(ends.filter((end) => !['executed', 'replayed', 'waited'].includes(end))).toEqual([]);
      expect(ends.filter((end) => end === 'executed')).toHaveLength(payments);
      expect(keys.map((key) => lab.runs(key))).toEqual(keys.map(() => 1));
      // PgBouncer 1.18 gives a client another session, which does not know the statement.
      expect(warnings.every((code) => code === 'postgres_prepared_refused')).toBe(true);
      expect(warnings.length > 0).toBe(prepare);
      const found = (await Promise.all(stores.map((store) => store.check()))).flat().map(({ code }) => code);
      expect(found).toEqual(prepare ? ['postgres_prepared_refused', 'postgres_prepared_refused'] : []);
    },
  );

  test.for([{ pipeline: true }, { pipeline: false }])(
    'work in a transaction runs once for each key, because a prepared statement is lost before it or not at all: %j',
    async (options, { lab }) => {
      const server = await lab.server();
      const pgBouncer = await startPgBouncer(server.url, 3);
      lab.onEnd(() => pgBouncer.stop());
      const testbed = await lab.testbed(server.url);
      const { admin, schema } = testbed;
      await admin.query(`CREATE TABLE ${schema}.payments (key text NOT NULL)`);
      const connectionString = pgBouncer.url;
      const stores = [1, 2].map(() => testbed.store({ prepare: false, client: testbed.pool({ connectionString }) }));
      const runs = new Map<string, number>();
      const transactions = stores.map((store) =>
        store.transactions(pgTransactions(testbed.pool({ connectionString, max: 8 }), options)),
      );
      const pay = async (at: number, key: string) => {
        const [store, transaction] = [stores[at], transactions[at]];
        if (store === undefined || transaction === undefined) throw new Error('There are two stores.');
        const charge = async (context: object) => {
          runs.set(key, (runs.get(key) ?? 0) + 1);
          await transaction.of(context).query(`INSERT INTO ${schema}.payments VALUES ($1)`, [key]);
        };
        const waits = { onInProgress: { waitMs: 30_000 } };
        return (await executeIdempotently(charge, { store, scope: 'shop', key, transaction, ...waits })).kind;
      };
      const keys = Array.from({ length: payments }, (_, n) => `order-${n}`);
      const ends = await Promise.all(keys.flatMap((key) => [0, 1, 0, 1].map((at) => pay(at, key))));
      expect(ends.filter((end) => end === 'executed')).toHaveLength(payments);
      expect(keys.map((key) => runs.get(key))).toEqual(keys.map(() => 1));
      const { rows } = await admin.query(
        `SELECT count(*)::int AS n, count(DISTINCT key)::int AS keys FROM ${schema}.payments`,
      );
      expect(rows).toEqual([{ n: payments, keys: payments }]);
      const found = (await Promise.all(stores.map((store) => store.check()))).flat().map(({ code }) => code);
      expect(new Set(found)).toEqual(new Set(['postgres_prepared_refused']));
    },
  );
});
