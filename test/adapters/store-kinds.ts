// The stores that the adapter suite runs on, each test with a testbed of its own.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RedisStore } from '@onceguard/core/redis';
import { toBytes } from '@onceguard/core/sql';
import { type SqliteDatabase, SqliteStore } from '@onceguard/sqlite';
import { Redis } from 'ioredis';
import Libsql from 'libsql';
import {
  memoryStores,
  type OpenedStore as OpenedSuiteStore,
  type SuiteStore,
} from '../../packages/testing/src/adapter-suite/stores.js';
import { openTestbed } from '../postgres/postgres-testbed.js';
import { newDirectory } from '../sqlite/sqlite-libraries.js';
import { redisUrl } from '../support/redis.js';
import { everythingBelow } from '../support/redis-contents.js';

export { overrideVerbs } from '../../packages/testing/src/adapter-suite/support/override-verbs.js';

export interface OpenedStore extends OpenedSuiteStore {
  /** The prefix of this testbed's keys on Redis. */
  readonly prefix: string;
}

export interface StoreKind extends SuiteStore {
  readonly name: 'memory' | 'Redis' | 'PostgreSQL' | 'SQLite';
  open(): Promise<OpenedStore>;
}

const allKinds: readonly StoreKind[] = [
  { ...memoryStores, name: 'memory', open: async () => ({ ...(await memoryStores.open()), prefix: '' }) },
  { name: 'Redis', open: async () => await openRedisStore() },
  { name: 'PostgreSQL', open: async () => await openPostgresStore() },
  { name: 'SQLite', open: async () => openSqliteStore() },
];

/** Memory and Redis, or those that the variable `ADAPTER_STORE_KINDS` names, with commas between them. */
const wantedKinds = process.env.ADAPTER_STORE_KINDS?.split(',').map((name) => name.trim()) ?? ['memory', 'Redis'];

export const storeKinds = allKinds.filter(({ name }) => wantedKinds.includes(name));

async function openPostgresStore(): Promise<OpenedStore> {
  const testbed = await openTestbed();
  // One connection: tests rely on replies in the order of the calls.
  const store = testbed.store({ client: testbed.pool({ max: 1 }), callTimeoutMs: 10_000 });
  const close = async () => {
    await store.close();
    await testbed.close();
  };
  const dump = async () => {
    const tables = ['onceguard_records', 'onceguard_steps'].map((table) => `${testbed.schema}.${table}`);
    const rows = await Promise.all(tables.map((table) => testbed.admin.query(`SELECT * FROM ${table}`)));
    return asText(rows.flatMap((result) => result.rows));
  };
  return { store, prefix: '', close, dump };
}

function openSqliteStore(): OpenedStore {
  const directory = newDirectory();
  const database = new Libsql(join(directory.path, 'records.db')) as unknown as SqliteDatabase;
  const store = new SqliteStore({ database });
  const close = async () => {
    await store.close();
    database.close();
    directory.remove();
  };
  const dump = async () => {
    const tables = ['onceguard_records', 'onceguard_steps'];
    return asText(tables.flatMap((table) => database.prepare(`SELECT * FROM ${table}`).all() as object[]));
  };
  return { store, prefix: '', close, dump };
}

function asText(rows: readonly object[]): string {
  const values = rows.flatMap((row) => Object.values(row));
  const toText = (value: unknown) =>
    typeof value === 'object' && value !== null
      ? Buffer.from(toBytes(value, 'bytes')).toString('latin1')
      : String(value);
  return values.map(toText).join('\n');
}

export async function openRedisStore(prefix = `test:${randomUUID()}:`): Promise<OpenedStore> {
  const client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
  const store = new RedisStore({ client, prefix, callTimeoutMs: 10_000 });
  const close = async () => {
    await store.close();
    client.disconnect();
  };
  return { store, prefix, close, dump: async () => await everythingBelow(prefix) };
}
