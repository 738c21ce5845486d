// The store of docs/own-store.md on the PostgreSQL of the run, in a schema of its own.
import { randomUUID } from 'node:crypto';
import { CompareAndSwapStore, type CompareAndSwapStoreOptions } from '@onceguard/core/store';
import { Pool } from 'pg';
import { createTable, postgresTable } from '../../../examples/docs/own-store.js';
import { postgresUrl } from '../../support/shared-postgres.js';

export interface TableTestbed {
  readonly url: string;
  readonly schema: string;
  /** For everything that a test does beside the store. */
  readonly admin: Pool;
  /** Another pool to the same schema; the testbed ends it. */
  pool(connections?: number): Pool;
  /** A store; default: on a pool of its own. */
  store(pool?: Pool, options?: Partial<CompareAndSwapStoreOptions>): CompareAndSwapStore;
  deleteRecords(): Promise<void>;
  close(): Promise<void>;
}

export async function openTableTestbed(): Promise<TableTestbed> {
  const url = await postgresUrl();
  const schema = `test_${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  const pools: Pool[] = [];
  const pool = (max = 10) => {
    const made = new Pool({
      connectionString: url,
      options: `-c search_path=${schema}`,
      application_name: schema,
      max,
    });
    made.on('error', () => {});
    pools.push(made);
    return made;
  };
  const admin = pool(4);
  await admin.query(`CREATE SCHEMA ${schema}`);
  await admin.query(createTable);
  return {
    url,
    schema,
    admin,
    pool,
    store: (on = pool(), options = {}) =>
      new CompareAndSwapStore({ table: postgresTable(on), callTimeoutMs: 30_000, ...options }),
    deleteRecords: async () => void (await admin.query('DELETE FROM idempotency_records')),
    async close() {
      await admin.query(`DROP SCHEMA ${schema} CASCADE`);
      await Promise.all(pools.map((each) => each.end()));
    },
  };
}
