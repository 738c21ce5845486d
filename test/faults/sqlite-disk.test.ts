// The disk below a file of SQLite: full, read-only, or without power.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { executeIdempotently } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';
import { expect } from 'vitest';
import { startChild } from '../adapters/child-process.js';
import { acquireRequest, completionOf, leaseOf } from '../postgres/calls.js';
import { openBeside } from '../sqlite/sqlite-libraries.js';
import { type PostgresLab as Lab, test } from './postgres-lab.js';
import { mountSmallDisk, noMount } from './small-disk.js';

const keys = Array.from({ length: 20 }, (_, n) => `order-${n}`);

function newFolder(lab: Lab): string {
  const folder = mkdtempSync(join(tmpdir(), 'onceguard-sqlite-disk-'));
  lab.onEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('A full disk refuses new work, which does not run; what is done is replayed; with room again, work runs', async ({
  lab,
  skip,
}) => {
  const disk = mountSmallDisk(lab) ?? skip(noMount);
  const store = await SqliteStore.open(join(disk.path, 'records.db'));
  lab.onEnd(() => store.close());
  const request = acquireRequest();
  await store.complete(leaseOf('done', request, await store.acquire('done', request)), completionOf('paid'));
  disk.fill();
  let refusal: unknown = null;
  for (let n = 0; refusal === null && n < 10_000; n += 1)
    await store.acquire(`filler-${n}`, request).catch((error: unknown) => {
      refusal = error;
    });
  expect(refusal).toMatchObject({ class: 'unavailable', refusal: 'full' });
  expect((await store.read('done')).record).toMatchObject({ state: 'completed' });
  expect([await lab.pay(store, 'order-1'), lab.runs('order-1')]).toEqual(['store_unavailable', 0]);
  disk.free();
  expect([await lab.pay(store, 'order-1'), lab.runs('order-1')]).toEqual(['executed', 1]);
});

test('A file that takes no writes is misconfigured: its records can be read, and nothing runs', async ({ lab }) => {
  const path = join(newFolder(lab), 'records.db');
  const writable = await SqliteStore.open(path);
  lab.onEnd(() => writable.close());
  expect(await lab.pay(writable, 'order-1')).toBe('executed');
  const database = openBeside(path, { readOnly: true });
  lab.onEnd(() => database.close());
  const store = new SqliteStore({ database });
  await expect(store.acquire('order-2', acquireRequest())).rejects.toMatchObject({ class: 'misconfigured' });
  expect([await lab.pay(store, 'order-2'), lab.runs('order-2')]).toEqual(['store_misconfigured', 0]);
  expect((await store.scan({ cursor: null, limit: 10 })).records).toMatchObject([{ record: { state: 'completed' } }]);
});

test.for([
  { synchronous: 'full', kept: keys.length },
  { synchronous: 'normal', kept: 0 },
] as const)(
  'After a power cut a file with synchronous $synchronous has $kept of 20 records: what was flushed',
  async ({ synchronous, kept }, { lab, skip }) => {
    const folder = newFolder(lab);
    const log = join(folder, 'sync.log');
    const environment = compileSyncLog(folder, log) ?? skip('Without a C compiler nobody can see what was flushed.');
    const path = join(folder, 'records.db');
    // The tables are on disk from before.
    await (await SqliteStore.open(path)).close();
    const checkpointed = openBeside(path);
    checkpointed.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    checkpointed.close();
    const settings = { path, synchronous, keys };
    const child = await startChild('../../faults/processes/sqlite-payments.ts', settings, environment);
    await child.kill();
    const after = join(folder, 'after.db');
    copyFileSync(path, after);
    copyFileSync(`${path}-wal`, `${after}-wal`);
    const flushed = flushedLength(log, `${path}-wal`);
    expect(flushed).toBeLessThanOrEqual(statSync(`${path}-wal`).size);
    // What was not flushed is lost.
    truncateSync(`${after}-wal`, flushed);
    const store = await SqliteStore.open(after);
    lab.onEnd(() => store.close());
    const ends = await Promise.all(
      keys.map(async (key) => (await executeIdempotently(() => 'again', { store, scope: 'shop', key })).kind),
    );
    expect(ends.filter((kind) => kind === 'replayed')).toHaveLength(kept);
  },
);

function compileSyncLog(folder: string, log: string): Record<string, string> | null {
  const source = fileURLToPath(new URL('processes/sync-log.c', import.meta.url));
  const library = join(folder, 'sync-log.so');
  try {
    execFileSync('cc', ['-shared', '-fPIC', '-o', library, source], { stdio: 'ignore' });
  } catch {
    return null;
  }
  return { LD_PRELOAD: library, SYNC_LOG: log };
}

/** How long the file was when it was flushed last; 0 if it never was. */
function flushedLength(log: string, path: string): number {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  const last = lines.filter((line) => line.endsWith(` ${path}`)).at(-1);
  return Number(last?.split(' ')[0] ?? 0);
}
