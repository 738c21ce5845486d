// PostgresStore passes the published store suite, whatever the client and the default isolation.
import type { PostgresStore, PostgresStoreOptions } from '@onceguard/postgres';
import { storeSuite } from '@onceguard/testing';
import type { PoolConfig } from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { openTestbed, type Testbed } from './postgres-testbed.js';
import { withoutHotStatements } from './rows-clients.js';

const runner = { describe, test };
let testbed: Testbed;

beforeAll(async () => {
  testbed = await openTestbed();
});

afterAll(async () => await testbed.close());

type Options = Partial<PostgresStoreOptions>;

/** Makes the options of a store, once for a suite. */
const setups: Readonly<Record<string, () => Options>> = {
  'pg with 10 connections': () => ({ client: testbed.pool({ max: 10 }) }),
  'pg with one connection, not prepared': () => ({ client: testbed.pool({ max: 1 }), prepare: false }),
  'pg, by look and swap alone': () => ({ client: withoutHotStatements(testbed.pool({ max: 10 })) }),
  'pg under REPEATABLE READ': () => ({ client: testbed.pool(poolWithIsolation('repeatable read')) }),
  'pg under SERIALIZABLE': () => ({ client: testbed.pool(poolWithIsolation('serializable')) }),
  'postgres.js': () => ({ client: testbed.willClose(postgres(testbed.url, { max: 10 })) }),
};

for (const [name, makeOptions] of Object.entries(setups)) {
  let pair: readonly [Options, Options] | undefined;
  storeSuite({
    name: `PostgresStore on ${name}`,
    runner,
    capabilities: { shared: true, controllableClock: false },
    async create() {
      pair ??= [makeOptions(), makeOptions()];
      await testbed.deleteRecords();
      const [store, peer] = pair.map((options) => testbed.store(options)) as [PostgresStore, PostgresStore];
      return { store, peer, close: async () => {} };
    },
  });
}

function poolWithIsolation(level: string): PoolConfig {
  return { max: 10, options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` };
}
