// Records orders in a file one after the other, says so after each, and waits to be killed.
import { executeIdempotently } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';

export interface Settings {
  readonly path: string;
  readonly synchronous: 'full' | 'normal';
  readonly keys: readonly string[];
}

const { path, synchronous, keys }: Settings = JSON.parse(process.argv[2] ?? '');
const store = await SqliteStore.open(path, { synchronous });
for (const key of keys) await executeIdempotently(() => `paid ${key}`, { store, scope: 'shop', key });
process.once('disconnect', () => process.exit());
process.send?.('all are recorded');
