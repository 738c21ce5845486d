// CompareAndSwapStore passes the published store suite: on a plain table of PostgreSQL, and on a table in memory.
import { CompareAndSwapStore } from '@onceguard/core/store';
import { manualClock, storeSuite } from '@onceguard/testing';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { MemoryTable } from './memory-table.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

const runner = { describe, test };
let testbed: TableTestbed;
let pools: readonly [Pool, Pool];

beforeAll(async () => {
  testbed = await openTableTestbed();
  pools = [testbed.pool(), testbed.pool()];
});

afterAll(async () => await testbed.close());

storeSuite({
  name: 'CompareAndSwapStore on a table of PostgreSQL',
  runner,
  capabilities: { shared: true, controllableClock: false },
  async create() {
    await testbed.deleteRecords();
    const [store, peer] = [testbed.store(pools[0]), testbed.store(pools[1])];
    return { store, peer, close: async () => {} };
  },
});

storeSuite({
  name: 'CompareAndSwapStore on a table in memory',
  runner,
  capabilities: { shared: true, controllableClock: true },
  async create() {
    const clock = manualClock();
    const table = new MemoryTable(clock.now);
    const [store, peer] = [new CompareAndSwapStore({ table }), new CompareAndSwapStore({ table })];
    return { store, peer, advance: clock.advance, close: async () => {} };
  },
});
