// The pool of a store of its own, by the package pg, which is an optional peer dependency.
import { ConfigurationError } from '@onceguard/core';
import type { Pool, PoolConfig } from 'pg';

interface OwnedPoolOptions {
  readonly url: string;
  readonly maxConnections: number;
  readonly callTimeoutMs: number;
}

type PoolClass = new (config: PoolConfig) => Pool;

export async function openPool({ url, maxConnections, callTimeoutMs }: OwnedPoolOptions): Promise<Pool> {
  const Pool = extractPoolClass(await importPg());
  const pool = new Pool({
    connectionString: url,
    max: maxConnections,
    connectionTimeoutMillis: callTimeoutMs,
    // The pool drops a connection that does not reply: it may be to a server that is no more.
    query_timeout: callTimeoutMs,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'onceguard',
  });
  // A connection that is lost while idle. Without a listener it would end the process.
  pool.on('error', () => {});
  return pool;
}

async function importPg(): Promise<object> {
  try {
    return await import('pg');
  } catch (cause) {
    const remedy = 'Install it (npm install pg), or pass a client to new PostgresStore({ client }).';
    throw new ConfigurationError('option_invalid', `PostgresStore.connect() needs the package pg. ${remedy}`, {
      cause,
    });
  }
}

/** A bundler, or a test runner that replaces the module, may provide the classes of pg on the default export alone. */
function extractPoolClass(imported: object): PoolClass {
  const exported = 'default' in imported ? Object(imported.default) : {};
  return 'Pool' in imported ? (imported.Pool as PoolClass) : exported.Pool;
}
