// What is measured of SqliteStore: the same calls, on a file.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SqliteStore } from '@onceguard/sqlite';
import { type Contender, callsOf } from './contenders.js';

/** The file is in the folder of temporary files: its disk is what a call waits for. */
export async function sqliteCalls(name: string): Promise<{ contender: Contender; close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-bench-'));
  const path = join(folder, 'records.db');
  const store = await SqliteStore.open(path, { callTimeoutMs: 30_000 });
  const calls = await callsOf(store);
  let records = 1;
  const fresh = async () => {
    records += 1;
    await calls.fresh();
  };
  const size = async () => {
    // The end of the last connection brings everything from the log into the file.
    await store.close();
    return { bytes: statSync(path).size, records };
  };
  const close = async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { contender: { name, reference: null, ...calls, fresh, size }, close };
}
