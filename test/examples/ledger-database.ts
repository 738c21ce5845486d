// A database of its own for one ledger of the examples, on the shared server.
import { randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { postgresUrl } from '../support/shared-postgres.js';

export interface LedgerDatabase {
  readonly url: string;
  readonly pool: Pool;
  drop(): Promise<void>;
}

export async function createLedgerDatabase(): Promise<LedgerDatabase> {
  const serverUrl = await postgresUrl();
  const name = `ledger_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
  const admin = new Pool({ connectionString: serverUrl });
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href });
  // `end` does not wait until the server has closed the connections. Those that are left end with an error when the database is dropped.
  pool.on('error', () => {});
  return {
    url: url.href,
    pool,
    async drop() {
      await pool.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}
