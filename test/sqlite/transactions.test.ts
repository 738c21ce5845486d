// How calls share transactions, and what a failure of SQLite means for each of them.
import { StoreError } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  acquireRequest,
  assertAcquired,
  completionOf,
  toLease,
} from '../../packages/testing/src/store-suite/test-helpers.js';
import { type InterceptedDatabase, interceptDatabase, sqliteError } from './intercepted-database.js';
import { libraries } from './sqlite-libraries.js';

const readonly = 8;
const inputOutput = 10;
const full = 13;

describe.each(libraries)('SqliteStore on $name', ({ open }) => {
  let intercepted: InterceptedDatabase;
  let store: SqliteStore;

  beforeEach(() => {
    intercepted = interceptDatabase(open(':memory:'));
    store = new SqliteStore({ database: intercepted.database });
    intercepted.executed.length = 0;
  });

  afterEach(async () => {
    await store.close();
    intercepted.database.close();
  });

  const acquire = (key: string) => store.acquire(key, acquireRequest());

  test('runs the calls of one tick in one transaction, and each gets its own reply', async () => {
    const replies = await Promise.all(Array.from({ length: 20 }, (_, at) => acquire(`key-${at % 10}`)));
    expect(intercepted.executed).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
    expect(replies.map(({ kind }) => kind).sort()).toEqual([
      ...Array(10).fill('acquired'),
      ...Array(10).fill('in_progress'),
    ]);
  });

  test('where a write fails, rolls the whole transaction back and says that nothing was written', async () => {
    intercepted.replaceNext('INSERT INTO onceguard_records', (run) => run());
    intercepted.replaceNext('INSERT INTO onceguard_records', () => {
      throw sqliteError(full);
    });
    const settled = await Promise.allSettled([acquire('first'), acquire('second')]);
    for (const one of settled) {
      expect(one).toMatchObject({ status: 'rejected', reason: { class: 'unavailable', refusal: 'full' } });
    }
    expect(await store.read('first')).toMatchObject({ record: null });
    expect(await acquire('first')).toMatchObject({ kind: 'acquired', attempt: 1 });
  });

  test.each([
    ['a full disk', full, 'unavailable'],
    ['a file that cannot be written', readonly, 'misconfigured'],
  ])('classifies %s', async (_title, errcode, storeClass) => {
    intercepted.replaceNext('BEGIN IMMEDIATE', () => {
      throw sqliteError(errcode);
    });
    await expect(acquire('key')).rejects.toMatchObject({ class: storeClass });
  });

  test('where the reply to COMMIT is lost, says that the call may have been executed, and recognises its repetition', async () => {
    const request = acquireRequest();
    intercepted.replaceNext('COMMIT', (run) => {
      run();
      throw sqliteError(inputOutput);
    });
    await expect(store.acquire('key', request)).rejects.toMatchObject({ class: 'unknown' });
    expect(await store.acquire('key', request)).toMatchObject({ kind: 'acquired', attempt: 1 });
  });

  test('a record that cannot be read fails its own call alone, is skipped by a scan, and can be removed', async () => {
    await acquire('damaged');
    intercepted.database.exec(`UPDATE onceguard_records SET state = 'nonsense' WHERE key = 'damaged'`);
    const [damaged, other] = await Promise.allSettled([acquire('damaged'), acquire('other')]);
    expect(damaged).toMatchObject({ status: 'rejected', reason: { class: 'damaged', unreadable: true } });
    expect(other).toMatchObject({ status: 'fulfilled', value: { kind: 'acquired' } });
    const page = await store.scan({ cursor: null, limit: 10 });
    expect([page.records.map(({ key }) => key), page.skipped]).toEqual([['other'], 1]);
    await store.remove('damaged');
    expect(await acquire('damaged')).toMatchObject({ kind: 'acquired', attempt: 1 });
  });

  test('a record of a newer version is refused with the remedy', async () => {
    await acquire('newer');
    intercepted.database.exec(`UPDATE onceguard_records SET layout = 99`);
    await expect(acquire('newer')).rejects.toThrow(/layout 99.*Update onceguard/);
    await expect(acquire('newer')).rejects.toMatchObject({ class: 'misconfigured', unreadable: true });
  });

  test('finishes the calls that wait when it is closed, and refuses later ones', async () => {
    const waiting = acquire('key');
    await store.close();
    expect(await waiting).toMatchObject({ kind: 'acquired' });
    for (const call of [acquire('key'), store.read('key'), store.scan({ cursor: null, limit: 1 })]) {
      const error = await call.then(
        () => null,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ class: 'misconfigured', message: expect.stringContaining('was closed') });
    }
  });

  test('takes the bytes of a call as they are when it is called', async () => {
    const request = acquireRequest();
    const lease = toLease('key', request, assertAcquired(await store.acquire('key', request)));
    const outcome = Buffer.from('paid');
    const completed = store.complete(lease, { ...completionOf('paid'), outcome });
    outcome.fill('x');
    await completed;
    const replay = await acquire('key');
    expect(replay.kind === 'completed' && Buffer.from(replay.outcome).toString()).toBe('paid');
  });
});
