// What the faults of PostgreSQL share: servers and stores for one test, and the payments whose runs are counted.
import { executeIdempotently, type IdempotencyStore } from '@onceguard/core';
import { startFaultProxy } from '@onceguard/testing';
import { test as base } from 'vitest';
import { openTestbed, type Testbed } from '../postgres/postgres-testbed.js';
import { type PostgresServer, type StartPostgresOptions, startPostgres } from '../support/postgres-server.js';

/** The environment of one test. It stops everything that it started. */
export class PostgresLab {
  readonly #cleanUps: (() => unknown)[] = [];
  readonly #runs = new Map<string, number>();

  onEnd(end: () => unknown): void {
    this.#cleanUps.unshift(end);
  }

  async server(options: StartPostgresOptions = {}): Promise<PostgresServer> {
    const server = await startPostgres(options);
    this.onEnd(() => server.stop());
    return server;
  }

  /** A schema with the tables. Default: on a server of this test's own. */
  async testbed(url?: string): Promise<Testbed> {
    const testbed = await openTestbed({ url: url ?? (await this.server()).url });
    this.onEnd(() => testbed.close().catch(() => {}));
    return testbed;
  }

  async proxy(target: string) {
    const proxy = await startFaultProxy(target);
    this.onEnd(() => proxy.close());
    return proxy;
  }

  /** Pays under this key, and resolves with how it ended. */
  async pay(store: IdempotencyStore, key: string): Promise<string> {
    const charge = () => {
      this.#runs.set(key, (this.#runs.get(key) ?? 0) + 1);
      return `paid ${key}`;
    };
    try {
      return (await executeIdempotently(charge, { store, scope: 'shop', key, onInProgress: { waitMs: 30_000 } })).kind;
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  /** How often the work under this key has run. */
  runs(key: string): number {
    return this.#runs.get(key) ?? 0;
  }

  async end(): Promise<void> {
    for (const cleanUp of this.#cleanUps) await cleanUp();
  }
}

export const test = base.extend<{ lab: PostgresLab }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the pattern to know what a fixture needs.
  lab: async ({}, use) => {
    const lab = new PostgresLab();
    await use(lab);
    await lab.end();
  },
});
