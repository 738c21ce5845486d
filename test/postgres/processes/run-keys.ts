// A process that runs every key once, as all others of the test do at the same time. Prints the attempts that it ran.
import { makeIdempotent } from '@onceguard/core';
import { PostgresStore } from '@onceguard/postgres';
import { Pool } from 'pg';

const [url = '', schema = '', count = '0'] = process.argv.slice(2);
const client = new Pool({ connectionString: url, max: 5 });
const store = new PostgresStore({ client, schema, callTimeoutMs: 30_000 });
const keys = Array.from({ length: Number(count) }, (_, index) => `key-${index}`);

const run = makeIdempotent(
  async (key: string) => {
    await client.query(`INSERT INTO ${schema}.effects (key) VALUES ($1)`, [key]);
    return { process: process.pid };
  },
  { store, scope: 'test', key: (key) => key, onInProgress: { waitMs: 60_000 }, leaseMs: 60_000 },
);

await Promise.all(
  keys.map(async (key) => {
    const result = await run(key);
    process.stdout.write(`${key} ${result.process}\n`);
  }),
);
await store.close();
await client.end();
