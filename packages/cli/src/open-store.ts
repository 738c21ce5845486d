// Opens the store that a URL names: on Redis, on PostgreSQL, or in a file of SQLite. It creates nothing, and loads only what it needs.
import type { IdempotencyStore } from '@onceguard/core';
import type { PostgresStore } from '@onceguard/postgres';
import type { SqliteStore } from '@onceguard/sqlite';
import { parseStoreUrl, type StoreUrl } from './store-url.js';
import { UsageError } from './usage-error.js';

/** The options by which a store is found. */
export const storeOptions = {
  prefix: { type: 'string' },
  schema: { type: 'string' },
  cluster: { type: 'boolean' },
  timeout: { type: 'string' },
} as const;

export const storeOptionsUsage = `  --prefix <text>      as the store has it: the beginning of key names on Redis (default onceguard:), of tables on PostgreSQL (onceguard)
  --schema <name>      the schema of the tables on PostgreSQL; default public
  --cluster            the URL is a node of a cluster of Redis
  --timeout <ms>       the deadline of a call of the store; default 2000

The URL is redis://…, rediss://…, postgres://…, or sqlite: with the path of a file.`;

export interface StoreArguments {
  readonly prefix?: string | undefined;
  readonly schema?: string | undefined;
  readonly cluster?: boolean | undefined;
  readonly timeout?: string | undefined;
}

/** Calls `use` with the open store, and closes it afterwards. Throws a `UsageError` for a URL of no store. */
export async function withStore<T>(
  url: string | undefined,
  options: StoreArguments,
  use: (store: IdempotencyStore) => Promise<T>,
): Promise<T> {
  if (url === undefined) throw new UsageError('The URL of the store is missing, such as redis://127.0.0.1:6379.');
  const parsed = parseStoreUrl(url, 'The URL of the store');
  checkStoreOptions(parsed.kind, options);
  const { timeout = '2000' } = options;
  if (!/^[1-9]\d{0,5}$/.test(timeout)) throw new UsageError('--timeout must be milliseconds, such as 2000.');
  switch (parsed.kind) {
    case 'redis':
      return await withRedis(parsed, options, Number(timeout), use);
    case 'postgres':
      return await withPostgres(parsed.url, options, Number(timeout), use);
    case 'sqlite':
      return await withSqlite(parsed.path, Number(timeout), use);
  }
}

/** Which stores know an option. */
const knownTo = {
  prefix: ['redis', 'postgres'],
  schema: ['postgres'],
  cluster: ['redis'],
  sentinel: ['redis'],
} as const satisfies Readonly<Record<string, readonly StoreUrl['kind'][]>>;

const namesOfStores = { redis: 'Redis', postgres: 'PostgreSQL', sqlite: 'SQLite' } as const;

/** Throws a `UsageError` for an option that this kind of store does not have: it would silently look elsewhere. */
export function checkStoreOptions(
  kind: StoreUrl['kind'],
  options: StoreArguments & { sentinel?: string | undefined },
): void {
  for (const [option, kinds] of Object.entries(knownTo)) {
    const value = options[option as keyof typeof knownTo];
    if (value === undefined || value === false || (kinds as readonly string[]).includes(kind)) continue;
    throw new UsageError(`--${option} is not for ${namesOfStores[kind]}: leave it out.`);
  }
}

async function withRedis<T>(
  { url, address }: Extract<StoreUrl, { kind: 'redis' }>,
  { prefix, cluster }: StoreArguments,
  callTimeoutMs: number,
  use: (store: IdempotencyStore) => Promise<T>,
): Promise<T> {
  const { RedisStore } = await import('@onceguard/core/redis');
  const common = { prefix, callTimeoutMs, connectTimeoutMs: callTimeoutMs };
  const { host, port = 6379, db: _db, isTls, ...credentials } = address;
  const nodes = { cluster: [{ host, port }], ...credentials, ...(isTls && { tls: {} }) };
  const store = await RedisStore.connect(cluster === true ? { ...nodes, ...common } : { url, ...common });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** On a pool of its own, without housekeeping: only what the command is asked to do is done. */
export async function withPostgres<T>(
  url: string,
  { prefix, schema }: StoreArguments,
  callTimeoutMs: number,
  use: (store: PostgresStore) => Promise<T>,
): Promise<T> {
  const [{ PostgresStore }, { Pool }] = await Promise.all([import('@onceguard/postgres'), import('pg')]);
  const timeouts = { connectionTimeoutMillis: callTimeoutMs, query_timeout: callTimeoutMs };
  const pool = new Pool({ connectionString: url, max: 3, ...timeouts, application_name: 'onceguard-cli' });
  pool.on('error', () => {});
  try {
    const names = { ...(prefix !== undefined && { prefix }), ...(schema !== undefined && { schema }) };
    return await use(new PostgresStore({ client: pool, callTimeoutMs, ...names }));
  } finally {
    await pool.end();
  }
}

export async function withSqlite<T>(
  path: string,
  callTimeoutMs: number,
  use: (store: SqliteStore) => Promise<T>,
): Promise<T> {
  const { SqliteStore } = await import('@onceguard/sqlite');
  const store = await SqliteStore.open(path, { create: false, callTimeoutMs });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
