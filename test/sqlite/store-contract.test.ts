// SqliteStore passes the published store suite.
import { join } from 'node:path';
import { SqliteStore } from '@onceguard/sqlite';
import { manualClock, storeSuite } from '@onceguard/testing';
import { describe, test } from 'vitest';
import { libraries, newDirectory } from './sqlite-libraries.js';

const runner = { describe, test };

for (const { name, open } of libraries) {
  storeSuite({
    name: `SqliteStore on ${name}, on a manual clock`,
    runner,
    capabilities: { shared: false, controllableClock: true },
    async create() {
      const clock = manualClock();
      const database = open(':memory:');
      const store = new SqliteStore({ database, clock: clock.now });
      return { store, advance: clock.advance, close: async () => void database.close() };
    },
  });

  storeSuite({
    name: `SqliteStore on ${name}, two connections to one file`,
    runner,
    capabilities: { shared: true, controllableClock: false },
    async create() {
      const directory = newDirectory();
      const path = join(directory.path, 'records.db');
      const databases = [open(path), open(path)] as const;
      const [store, peer] = databases.map((database) => new SqliteStore({ database, callTimeoutMs: 10_000 }));
      const close = async () => {
        for (const database of databases) database.close();
        directory.remove();
      };
      return { store: store as SqliteStore, peer: peer as SqliteStore, close };
    },
  });
}
