// What the store makes of tables that fail, that return what makes no sense, or that are slow.
import { executeIdempotently, StoreError } from '@onceguard/core';
import {
  CompareAndSwapStore,
  type CompareAndSwapStoreOptions,
  type CompareAndSwapTable,
  type TableRead,
} from '@onceguard/core/store';
import { expect, test } from 'vitest';
import { acquireRequest, completionOf, leaseOf } from '../../postgres/calls.js';
import { MemoryTable } from './memory-table.js';

type Functions = { [Name in keyof CompareAndSwapTable]?: (...args: never[]) => unknown };

/** A store on a table of which some functions are replaced. */
function storeWith(functions: Functions, options: Partial<CompareAndSwapStoreOptions> = {}) {
  const inner = new MemoryTable();
  const table = {
    read: (key: string) => inner.read(key),
    insert: (...args: Parameters<MemoryTable['insert']>) => inner.insert(...args),
    update: (...args: Parameters<MemoryTable['update']>) => inner.update(...args),
    delete: (...args: Parameters<MemoryTable['delete']>) => inner.delete(...args),
    list: (...args: Parameters<MemoryTable['list']>) => inner.list(...args),
    ...functions,
  } as CompareAndSwapTable;
  return { store: new CompareAndSwapStore({ table, ...options }), inner };
}

const found = (row: unknown): TableRead => ({ now: Date.now(), row: row as TableRead['row'] });
const row = { key: 'k', version: 'v1', record: new Uint8Array(20) };

const strangeReads: [what: string, reply: unknown, message: RegExp][] = [
  ['nothing', undefined, /read\(\) of the table returned now as undefined; it must be a whole number of milliseconds/],
  ['a clock as text', { now: '17', row: null }, /now as "17"/],
  ['a clock in seconds with a fraction', { now: 1.5, row: null }, /now as 1.5/],
  ['no row and not null', { now: 1, row: undefined }, /a row as undefined; .* or null for none/],
  ['a version as a number', found({ ...row, version: 7 }), /version as 7; it must be the text that was written/],
  ['a record as text', found({ ...row, record: 'ogr1' }), /of type string and not a Uint8Array/],
];

test.each(strangeReads)(
  'A read that returns %s is an error that says so, and nothing runs, not even with bypass',
  async (_what, reply, message) => {
    const { store } = storeWith({ read: async () => reply });
    await expect(store.acquire('k', acquireRequest())).rejects.toMatchObject({
      class: 'bug',
      message: expect.stringMatching(message),
    });
    const call = { store, scope: 'shop', key: 'order-1', onStoreUnavailable: 'bypass' } as const;
    await expect(executeIdempotently(() => expect.unreachable('It runs.'), call)).rejects.toBeInstanceOf(StoreError);
  },
);

test('A table that takes two keys for one, because it ignores case, is refused as misconfigured', async () => {
  const { store, inner } = storeWith({ read: async (key: string) => await inner.read(key.toLowerCase()) });
  await store.acquire('order-a', acquireRequest());
  await expect(store.acquire('ORDER-A', acquireRequest())).rejects.toMatchObject({
    class: 'misconfigured',
    unreadable: true,
    message: expect.stringMatching(/binary collation/),
  });
});

test('A write that does not say whether it wrote may have written: the error is unknown, and the repeat goes on', async () => {
  const request = acquireRequest();
  let isSilent = true;
  const { store, inner } = storeWith({
    insert: async (...args: Parameters<MemoryTable['insert']>) =>
      (await inner.insert(...args)) && isSilent ? undefined : true,
  });
  await expect(store.acquire('k', request)).rejects.toMatchObject({
    class: 'unknown',
    message: expect.stringMatching(
      /insert\(\) of the table returned its result as undefined; it must be true if the row was written/,
    ),
  });
  isSilent = false;
  expect(await store.acquire('k', request)).toMatchObject({ kind: 'acquired', attempt: 1 });
});

test('A table whose writes always report that somebody came between ends in an error that names it', async () => {
  let writes = 0;
  const { store } = storeWith({
    insert: async () => {
      writes += 1;
      return false;
    },
  });
  await expect(store.acquire('k', acquireRequest())).rejects.toMatchObject({
    class: 'unknown',
    message: expect.stringMatching(
      /changed 100 times in a row .* or insert\(\) and update\(\) of the table return false/,
    ),
  });
  expect(writes).toBe(100);
});

test('A list that begins again is an error, and no list without end', async () => {
  const { store, inner } = storeWith({ list: async () => await inner.list({ filter: 'none', after: '', limit: 1 }) });
  await store.acquire('k', acquireRequest());
  const { cursor } = await store.scan({ cursor: null, limit: 1 });
  await expect(store.scan({ cursor, limit: 1 })).rejects.toMatchObject({
    class: 'bug',
    message: expect.stringMatching(/after the key/),
  });
});

const secret = 'card 4111';
const driverError = Object.assign(new Error(`duplicate ${secret}`), { code: 'ER_LOCK_DEADLOCK', sql: secret });
const fail = async () => Promise.reject(driverError);

test('An error of a read was not executed, one of a write may have been, and neither shows a value of the statement', async () => {
  const reading = storeWith({ read: fail, list: fail }).store;
  const errors = [
    await reading.read('k').catch((error: unknown) => error),
    await reading.scan({ cursor: null, limit: 1 }).catch((error: unknown) => error),
    await storeWith({ insert: fail })
      .store.acquire('k', acquireRequest())
      .catch((error: unknown) => error),
  ];
  expect(errors).toMatchObject([{ class: 'unavailable' }, { class: 'unavailable' }, { class: 'unknown' }]);
  for (const error of errors as StoreError[]) {
    expect(error.message).toMatch(/of the table failed: Error ER_LOCK_DEADLOCK\./);
    expect(error.cause).toBeUndefined();
    expect(JSON.stringify(error) + error.stack).not.toContain('4111');
  }
});

test('An error after a write that was not to be may follow a write: it is unknown', async () => {
  let reads = 0;
  const { store, inner } = storeWith({
    read: async (key: string) => (++reads === 1 ? await inner.read(key) : await fail()),
    insert: async () => false,
  });
  await expect(store.acquire('k', acquireRequest())).rejects.toMatchObject({ class: 'unknown' });
});

test('A mistake in the functions is the cause of the error', async () => {
  const mistake = new TypeError('rows is undefined');
  const { store } = storeWith({ read: async () => Promise.reject(mistake) });
  await expect(store.read('k')).rejects.toMatchObject({ class: 'unavailable', cause: mistake });
});

const refusal = new StoreError('misconfigured', 'The table is missing.');
const throwMistake = () => {
  throw new TypeError('a mistake');
};
const classifiers: [what: string, toStoreError: unknown, expected: object][] = [
  ['returns a StoreError', () => refusal, { class: 'misconfigured', message: 'The table is missing.' }],
  [
    'returns undefined',
    () => undefined,
    { class: 'unknown', message: expect.stringMatching(/insert\(\) of the table failed/) },
  ],
  [
    'returns something else',
    () => 'retry',
    { class: 'unknown', message: expect.stringMatching(/toStoreError returned "retry": it must/) },
  ],
  ['throws', throwMistake, { class: 'unknown', message: expect.stringMatching(/toStoreError failed: TypeError/) }],
];

test.each(classifiers)('What an error means where toStoreError %s', async (_what, toStoreError, expected) => {
  const { store } = storeWith({ insert: fail }, { toStoreError: toStoreError as never });
  await expect(store.acquire('k', acquireRequest())).rejects.toMatchObject(expected);
});

test('A call whose table is silent ends at its deadline as unknown, and writes nothing afterwards', async () => {
  let resolve: (reply: TableRead) => void = () => expect.unreachable();
  const late = new Promise<TableRead>((settle) => {
    resolve = settle;
  });
  let writes = 0;
  const insert = async () => {
    writes += 1;
    return true;
  };
  const { store } = storeWith({ read: () => late, insert }, { callTimeoutMs: 20, storeName: 'mysql' });
  await expect(store.acquire('k', acquireRequest())).rejects.toMatchObject({
    class: 'unknown',
    message: 'The store mysql did not acquire within 20 ms.',
  });
  resolve({ now: Date.now(), row: null });
  await late;
  await new Promise(setImmediate);
  expect(writes).toBe(0);
});

test('A closed store closes its table once, and refuses every call', async () => {
  let closes = 0;
  const { store } = storeWith({
    close: async () => {
      closes += 1;
    },
  });
  await store.close();
  await store.close();
  expect(closes).toBe(1);
  await expect(store.read('k')).rejects.toMatchObject({
    class: 'misconfigured',
    message: expect.stringMatching(/was closed/),
  });
  await storeWith({}).store.close();
});

test('Wrong options are refused by name and remedy', () => {
  const construct = (options: object) => () => new CompareAndSwapStore(options as CompareAndSwapStoreOptions);
  const table = new MemoryTable();
  expect(construct({ table: { read() {} } })).toThrow(
    /table is an object; it must be an object with the functions read, insert/,
  );
  expect(construct({ table, callTimeoutMs: '1s' })).toThrow(
    /callTimeoutMs is "1s"; it must be a whole number of milliseconds/,
  );
  expect(construct({ table, toStoreError: 1 })).toThrow(/toStoreError is 1; it must be a function/);
  expect(construct({ table, name: 'x' })).toThrow(/name is not an option; the options are callTimeoutMs/);
});

test('A caller may change its bytes at once: the record keeps what they were', async () => {
  const { store } = storeWith({});
  const request = acquireRequest();
  const lease = leaseOf('k', request, await store.acquire('k', request));
  const outcome = Buffer.from('paid');
  const call = store.complete(lease, { ...completionOf(''), outcome });
  outcome.fill(0);
  await call;
  const { record } = await store.read('k');
  expect(Buffer.from(record?.outcome ?? []).toString()).toBe('paid');
});
