// Damages records of a table in thousands of ways: none is replayed, and none runs again.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../model/seeded-random.js';
import { amountOf } from '../../support/amounts.js';
import { mutateBytes } from '../byte-mutations.js';
import { endOfRepeat, leaveRecords, numbersByName } from '../record-kinds.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

const records = amountOf({ usual: 250, long: 2_000 });
const mutationsOfEach = amountOf({ usual: 20, long: 50 });
/** A failed run is repeated with the seed that its message names. */
const seed = Number(process.env.MUTATION_SEED ?? Math.floor(Math.random() * 1e9));
let testbed: TableTestbed;

beforeAll(async () => {
  testbed = await openTableTestbed();
});

afterAll(async () => await testbed.close());

test(`of ${records * mutationsOfEach} damaged records none is replayed, and none runs again`, async () => {
  const random = new Random(seed);
  const store = testbed.store();
  const all = Array.from({ length: records }, (_, n) => n);
  await leaveRecords(store, all);
  const originals = await readAll();
  expect(originals.size).toBe(records);
  const numbers = await numbersByName(store, all);
  const bytes = [...originals.values()];
  const ends = new Map<string, number>();
  for (let round = 0; round < mutationsOfEach; round += 1) {
    await writeAll(
      new Map([...originals].map(([key, record]) => [key, mutateBytes(record, random.pick(bytes), random)])),
    );
    await Promise.all(
      [...originals.keys()].map(async (key) => {
        const end = await endOfRepeat(store, numbers.get(key) ?? 0, round % 2 === 0);
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }),
    );
  }
  expect(Object.fromEntries(ends), `seed ${seed}`).toEqual({ damaged: records * mutationsOfEach });
  await writeAll(originals);
  for (const n of all.slice(0, 6)) expect(await endOfRepeat(store, n, false)).not.toBe('damaged');
}, 600_000);

test('A damaged record is counted by a list, and its key is free once it is removed', async () => {
  const store = testbed.store();
  await testbed.deleteRecords();
  await leaveRecords(store, [0]);
  const [[key, record] = ['', Buffer.alloc(0)]] = await readAll();
  await writeAll(new Map([[key, mutateBytes(record, record, new Random(seed))]]));
  expect(await store.scan({ cursor: null, limit: 10 })).toMatchObject({ records: [], skipped: 1 });
  await expect(store.read(key)).rejects.toMatchObject({ class: 'damaged' });
  const { now } = await store.remove(key);
  expect((await store.read(key)).record).toMatchObject({ state: 'removed', fencingToken: now });
});

async function readAll(): Promise<Map<string, Buffer>> {
  const { rows } = await testbed.admin.query('SELECT key, record FROM idempotency_records ORDER BY key');
  return new Map(rows.map(({ key, record }) => [key, record]));
}

async function writeAll(records: ReadonlyMap<string, Buffer>): Promise<void> {
  await testbed.admin.query(
    `UPDATE idempotency_records AS r SET record = changed.record
     FROM unnest($1::text[], $2::bytea[]) AS changed (key, record) WHERE r.key = changed.key`,
    [[...records.keys()], [...records.values()]],
  );
}
