// Where the demo keeps its records: on a Redis, in a file, or in memory where this Node has no SQLite.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { SqliteStore } from '@onceguard/sqlite';

export interface DemoStore {
  readonly store: IdempotencyStore;
  /** By what another process opens it; null: it is in the memory of this one. */
  readonly location: string | null;
  /** Closes the store, and removes its file. */
  close(): Promise<void>;
}

const fileScheme = 'sqlite:';

export async function createDemoStore(redisUrl: string | undefined, prefix: string): Promise<DemoStore> {
  if (redisUrl === undefined) return await createFile();
  const store = await RedisStore.connect({ url: redisUrl, prefix });
  return { store, location: redisUrl, close: () => store.close() };
}

async function createFile(): Promise<DemoStore> {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-demo-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const path = join(folder, 'demo.db');
  try {
    const store = await SqliteStore.open(path);
    return { store, location: `${fileScheme}${path}`, close: () => store.close().finally(remove) };
  } catch (error) {
    remove();
    // Node 20 has no SQLite of its own.
    if (!(error instanceof ConfigurationError)) throw error;
    const store = new MemoryStore();
    return { store, location: null, close: () => store.close() };
  }
}

/** The store that another process of the demo created. */
export async function openDemoStore(location: string, prefix: string): Promise<IdempotencyStore> {
  if (!location.startsWith(fileScheme)) return await RedisStore.connect({ url: location, prefix });
  return await SqliteStore.open(location.slice(fileScheme.length));
}
