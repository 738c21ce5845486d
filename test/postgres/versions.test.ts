// The newest PostgreSQL, from the registry of npm where this platform has it, and PGlite, which is PostgreSQL in this process.
import { PGlite } from '@electric-sql/pglite';
import { PostgresStore } from '@onceguard/postgres';
import { storeSuite } from '@onceguard/testing';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { findEmbeddedPostgres } from '../support/postgres-programs.js';
import { type PostgresServer, startPostgres } from '../support/postgres-server.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';

const runner = { describe, test };
const programs = findEmbeddedPostgres();

describe.skipIf(programs === undefined)('PostgreSQL 18', () => {
  let server: PostgresServer;
  let testbed: Testbed;

  beforeAll(async () => {
    server = await startPostgres(programs === undefined ? {} : { programs });
    testbed = await openTestbed({ url: server.url });
  });

  afterAll(async () => {
    await testbed?.close();
    await server?.stop();
  });

  storeSuite({
    name: 'PostgresStore on PostgreSQL 18',
    runner,
    capabilities: { shared: true, controllableClock: false },
    async create() {
      await testbed.deleteRecords();
      const [client, other] = [testbed.admin, testbed.admin];
      return { store: testbed.store({ client }), peer: testbed.store({ client: other }), close: async () => {} };
    },
  });
});

describe('PGlite', () => {
  let database: PGlite;
  const client = {
    rows: async (text: string, values: readonly unknown[]) => (await database.query(text, [...values])).rows,
  };

  beforeAll(async () => {
    database = await PGlite.create();
    await new PostgresStore({ client }).migrate();
  });

  afterAll(async () => await database.close());

  storeSuite({
    name: 'PostgresStore on PGlite',
    runner,
    capabilities: { shared: false, controllableClock: false },
    async create() {
      await database.exec('DELETE FROM onceguard_records; DELETE FROM onceguard_steps');
      return { store: new PostgresStore({ client, callTimeoutMs: 10_000 }), close: async () => {} };
    },
  });
});
