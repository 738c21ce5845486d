// The file of a store: it is created, opened again, and kept small.
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SqliteStore } from '@onceguard/sqlite';
import { manualClock } from '@onceguard/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  acquireRequest,
  assertAcquired,
  completionOf,
  toLease,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { libraries, newDirectory } from './sqlite-libraries.js';

let directory: ReturnType<typeof newDirectory>;
let path: string;

beforeEach(() => {
  directory = newDirectory();
  path = join(directory.path, 'records.db');
});

afterEach(() => directory.remove());

async function completeOnce(store: SqliteStore, key: string): Promise<void> {
  const request = acquireRequest();
  const lease = toLease(key, request, assertAcquired(await store.acquire(key, request)));
  await store.complete(lease, completionOf('paid'));
}

test('open() creates the file, and finds the records in it again', async () => {
  const first = await SqliteStore.open(path);
  await completeOnce(first, 'key');
  await first.close();
  expect(existsSync(path)).toBe(true);
  const second = await SqliteStore.open(path);
  const reply = await second.acquire('key', acquireRequest());
  await second.close();
  expect(reply).toMatchObject({ kind: 'completed' });
});

test.each<[string, (path: string) => string, RegExp]>([
  ['a directory that does not exist', (at) => join(at, 'missing', 'records.db'), /open .*records\.db/],
  [
    'a file that is no database',
    (at) => {
      const file = join(at, 'text.db');
      writeFileSync(file, 'This is a text, and longer than the header of a database would be. '.repeat(20));
      return file;
    },
    /not a database/,
  ],
])('open() rejects %s with the reason', async (_title, make, message) => {
  await expect(SqliteStore.open(make(directory.path))).rejects.toThrow(message);
});

test('open() rejects invalid options and names each', async () => {
  const options = { synchronous: 'off', callTimeoutMs: 0 } as never;
  await expect(SqliteStore.open(path, options)).rejects.toThrow(/synchronous is "off".*\n.*callTimeoutMs is 0/);
});

test.each([undefined, null, 'records.db', {}])('new SqliteStore() refuses %s as a database', (database) => {
  expect(() => new SqliteStore({ database } as never)).toThrow(/database is .*new DatabaseSync\(path\)/);
});

describe.each(libraries)('A file of $name', ({ open }) => {
  test.skipIf(process.getuid?.() === 0)('that may not be written is refused as misconfigured', () => {
    open(path).close();
    chmodSync(path, 0o444);
    expect(() => new SqliteStore({ database: open(path) })).toThrow(/readonly/);
  });

  test('loses outcomes and records that have expired, a few with each call', async () => {
    const clock = manualClock();
    const database = open(path);
    const store = new SqliteStore({ database, clock: clock.now });
    const count = (what: string) =>
      Number((database.prepare(`SELECT ${what} AS n FROM onceguard_records`).get() as { n: number }).n);
    for (let at = 0; at < 40; at += 1) await completeOnce(store, `key-${at}`);
    expect(count('count(outcome)')).toBe(40);
    const { record } = await store.read('key-0');
    clock.advance((record?.outcomeEndAt ?? 0) - clock.now());
    for (let at = 0; at < 4; at += 1) await store.acquire(`other-${at}`, acquireRequest());
    expect([count('count(outcome)'), count('count(*)')]).toEqual([0, 44]);
    clock.advance((record?.expiresAt ?? 0) - clock.now());
    for (let at = 4; at < 8; at += 1) await store.acquire(`other-${at}`, acquireRequest());
    expect(count('count(*)')).toBeLessThanOrEqual(8);
    await store.close();
    database.close();
  });

  test('keeps no steps of a record that is completed, removed, or begun anew', async () => {
    const clock = manualClock();
    const database = open(path);
    const store = new SqliteStore({ database, clock: clock.now });
    const steps = () =>
      Number((database.prepare('SELECT count(*) AS n FROM onceguard_steps').get() as { n: number }).n);
    const begin = async (key: string) => {
      const request = acquireRequest();
      const lease = toLease(key, request, assertAcquired(await store.acquire(key, request)));
      await store.checkpoint(lease, { step: 'charge', seq: 2, bytes: Buffer.from('ch_1') });
      return lease;
    };
    const lease = await begin('completed');
    expect(steps()).toBe(1);
    await store.complete(lease, completionOf('paid'));
    expect(steps()).toBe(0);
    await begin('removed');
    await store.remove('removed');
    expect(steps()).toBe(0);
    await begin('expired');
    const { record } = await store.read('expired');
    clock.advance((record?.expiresAt ?? 0) - clock.now());
    expect(assertAcquired(await store.acquire('expired', acquireRequest())).steps.size).toBe(0);
    expect(steps()).toBe(0);
    await store.close();
    database.close();
  });
});
