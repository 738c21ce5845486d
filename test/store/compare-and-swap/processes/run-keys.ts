// A process that runs every key once, as all others of the test do at the same time. Prints the attempts that it ran.
import { makeIdempotent } from '@onceguard/core';
import { CompareAndSwapStore } from '@onceguard/core/store';
import { Pool } from 'pg';
import { postgresTable } from '../../../../examples/docs/own-store.js';

const [url = '', schema = '', count = '0', connections = '1'] = process.argv.slice(2);
const pool = new Pool({ connectionString: url, options: `-c search_path=${schema}`, max: Number(connections) });
// A busy machine must not decide the test.
const store = new CompareAndSwapStore({ table: postgresTable(pool), callTimeoutMs: 30_000 });
const keys = Array.from({ length: Number(count) }, (_, index) => `key-${index}`);

const run = makeIdempotent(
  async (key: string) => {
    await pool.query('INSERT INTO effects (key) VALUES ($1)', [key]);
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
await pool.end();
