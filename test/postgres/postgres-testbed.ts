// Stores on the PostgreSQL of the run, in a schema of their own.
import { randomUUID } from 'node:crypto';
import { PostgresStore, type PostgresStoreOptions } from '@onceguard/postgres';
import { Pool, type PoolConfig } from 'pg';
import { postgresUrl } from '../support/shared-postgres.js';

/** A schema with the tables of the store, and a pool for everything that a test does beside the store. */
export interface Testbed {
  readonly url: string;
  readonly schema: string;
  readonly admin: Pool;
  /** Another pool to the same database; the testbed ends it. Its connections end soon after their use, because many files share the server. */
  pool(config?: PoolConfig): Pool;
  /** Ends this client with the testbed. */
  willClose<Client extends { end(): Promise<void> }>(client: Client): Client;
  /** A store; default: on a pool of its own. */
  store(options?: Partial<PostgresStoreOptions>): PostgresStore;
  deleteRecords(): Promise<void>;
  close(): Promise<void>;
}

export async function openTestbed({
  url,
  migrated = true,
}: {
  url?: string;
  migrated?: boolean;
} = {}): Promise<Testbed> {
  const connectionString = url ?? (await postgresUrl());
  const schema = `test_${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  const clients: { end(): Promise<void> }[] = [];
  const willClose = <Client extends { end(): Promise<void> }>(client: Client): Client => {
    clients.push(client);
    return client;
  };
  const pool = (config: PoolConfig = {}) => {
    const made = willClose(new Pool({ connectionString, idleTimeoutMillis: 1_000, ...config }));
    made.on('error', () => {});
    return made;
  };
  const admin = pool({ max: 4 });
  await admin.query(`CREATE SCHEMA ${schema}`);
  const store = (options: Partial<PostgresStoreOptions> = {}) =>
    new PostgresStore({ client: options.client ?? pool(), schema, callTimeoutMs: 30_000, ...options });
  if (migrated) await store({ client: admin }).migrate();
  const deleteRecords = async () => {
    await admin.query(`DELETE FROM ${schema}.onceguard_records; DELETE FROM ${schema}.onceguard_steps`);
  };
  const close = async () => {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`);
    await Promise.all(clients.map((client) => client.end()));
  };
  return { url: connectionString, schema, admin, pool, willClose, store, deleteRecords, close };
}
