// The model test: the store on a real table of PostgreSQL against the pure protocol, in random order, with expiring leases and lost data.
import {
  CompareAndSwapStore,
  decodeRecord,
  encodeRecord,
  idempotencyProtocol as protocol,
  type StoredRecord,
  type WrittenRow,
} from '@onceguard/core/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ModelDifference, walkAll } from '../../model/random-walk.js';
import { ReplyCounts } from '../../model/reply-kinds.js';
import { Random } from '../../model/seeded-random.js';
import type { StoredData } from '../../model/stored-data.js';
import { amountOf } from '../../support/amounts.js';
import { MemoryTable } from './memory-table.js';
import { postgresTableData } from './postgres-table-data.js';
import { openTableTestbed, type TableTestbed } from './postgres-table-testbed.js';

const steps = Number(process.env.MODEL_STEPS ?? amountOf({ usual: 25_000, long: 100_000 }));
const keys = 48;
/** A table that changes records has to be found within so many steps. */
const mutationSteps = 20_000;
/** How often each kind of reply must occur. */
const leastSeen = amountOf({ usual: 1, long: 15 });

// A run is repeated with the seed that its failure names; only the clock of the server is not repeated.
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 1e9));
let testbed: TableTestbed;

beforeAll(async () => {
  testbed = await openTableTestbed();
});

afterAll(async () => await testbed.close());

test(`${steps} random steps get the replies and leave the records of the protocol, and reach every kind of reply`, async () => {
  const counts = new ReplyCounts();
  const [store, data] = [testbed.store(testbed.pool(8)), postgresTableData(testbed.admin)];
  await walkAll({ store, data, seed, onReply: counts.add }, keys, steps);
  counts.expectEachKind(leastSeen, seed);
}, 600_000);

const fields = (Object.keys(protocol.blankRecord) as (keyof StoredRecord)[]).filter((field) => field !== 'layout');

test.each(fields)(
  'the same steps detect a table that loses the field %s of its records',
  async (field) => {
    const lost = field === 'state' ? 'unknown' : protocol.blankRecord[field];
    await expect(
      walkInMemory((row) => withField(row, field, lost)),
      `seed ${seed}`,
    ).rejects.toThrow(ModelDifference);
  },
  120_000,
);

test('the same steps detect an index that does not have what may come into doubt', async () => {
  const walk = walkInMemory((row) => ({ ...row, mayBeInDoubt: false }));
  await expect(walk, `seed ${seed}`).rejects.toThrow(ModelDifference);
});

function withField(row: WrittenRow, field: keyof StoredRecord, value: unknown): WrittenRow {
  const record = decodeRecord(row.key, row.record);
  return { ...row, record: encodeRecord(row.key, { ...record, [field]: value }) };
}

/** On a table that changes what is written. Time passes by what is done, so a fast machine walks as a slow one does. */
async function walkInMemory(change: (row: WrittenRow) => WrittenRow): Promise<void> {
  const random = new Random(seed);
  let now = Date.now();
  const table = new MemoryTable(() => {
    now += random.integer(0, 1);
    return now;
  });
  const { rows } = table;
  const data: StoredData = {
    recordGraceMs: Number.POSITIVE_INFINITY,
    lose: async (key) => void rows.delete(key),
    save: async (key) => rows.get(key) ?? null,
    restore: async (key, copy) => void rows.set(key, copy as WrittenRow),
    findIndexFault: async (key) => (rows.get(key)?.mayBeInDoubt === true ? null : { key }),
  };
  const store = new CompareAndSwapStore({
    table: {
      read: (key) => table.read(key),
      insert: (row, writeBefore) => table.insert(change(row), writeBefore),
      update: (row, seenVersion, writeBefore) => table.update(change(row), seenVersion, writeBefore),
      delete: (key, seenVersion) => table.delete(key, seenVersion),
      list: (request) => table.list(request),
    },
  });
  await walkAll({ store, data, seed, onReply: () => undefined }, keys, mutationSteps);
}
