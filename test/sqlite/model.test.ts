// The model test: the statements on a real SQLite against the pure protocol, in random order, with expiring leases and lost data.
import { type SqlValue, toBytes } from '@onceguard/core/sql';
import { type SqliteDatabase, SqliteStore } from '@onceguard/sqlite';
import Libsql from 'libsql';
import { expect, test } from 'vitest';
import { ModelDifference, walkAll } from '../model/random-walk.js';
import { ReplyCounts } from '../model/reply-kinds.js';
import { Random } from '../model/seeded-random.js';
import type { StoredData } from '../model/stored-data.js';
import { amountOf } from '../support/amounts.js';
import { mutatedDatabase, type StatementMutation, statementMutations } from './statement-mutations.js';

const steps = Number(process.env.MODEL_STEPS ?? amountOf({ usual: 25_000, long: 100_000 }));
const keys = 48;
/** A broken statement has to be found within so many steps. */
const mutationSteps = 60_000;
/** How often each kind of reply must occur. */
const leastSeen = amountOf({ usual: 1, long: 50 });

// A run is repeated with the seed that its failure names.
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 1e9));

test(`${steps} random steps get the replies and leave the records of the protocol, and reach every kind of reply`, async () => {
  const counts = new ReplyCounts();
  await walk(null, steps, counts.add);
  counts.expectEachKind(leastSeen, seed);
}, 300_000);

test.each(statementMutations)(
  'the same steps detect a statement by which $mistake',
  async (mutation) => {
    await expect(walk(mutation, mutationSteps), `seed ${seed}`).rejects.toThrow(ModelDifference);
  },
  120_000,
);

async function walk(mutation: StatementMutation | null, length: number, onReply = (_: string) => {}): Promise<void> {
  const real = new Libsql(':memory:') as unknown as SqliteDatabase;
  const random = new Random(seed);
  let now = Date.now();
  // Time passes by what is done, so a fast machine walks as a slow one does.
  const clock = () => {
    now += random.integer(0, 1);
    return now;
  };
  const store = new SqliteStore({ database: mutatedDatabase(real, mutation), clock });
  try {
    await walkAll({ store, data: sqliteData(real), seed, onReply }, keys, length);
  } finally {
    real.close();
  }
}

type Row = Readonly<Record<string, SqlValue>>;

interface Copy {
  readonly records: Row[];
  readonly steps: Row[];
}

/** libsql returns bytes in a form that it does not take. */
function toBindable(value: SqlValue): SqlValue {
  return typeof value === 'object' && value !== null ? toBytes(value, 'bytes') : value;
}

/** The records of a store, as a restored backup changes them. */
function sqliteData(database: SqliteDatabase): StoredData {
  const tables = { records: ['onceguard_records', 'key'], steps: ['onceguard_steps', 'record'] } as const;
  const rowsOf = (of: keyof typeof tables, key: string) =>
    database.prepare(`SELECT * FROM ${tables[of][0]} WHERE ${tables[of][1]} = ?`).all(key) as Row[];
  const lose = async (key: string) => {
    for (const [table, column] of Object.values(tables)) {
      database.prepare(`DELETE FROM ${table} WHERE ${column} = ?`).run(key);
    }
  };
  return {
    recordGraceMs: Number.POSITIVE_INFINITY,
    lose,
    save: async (key) => {
      const records = rowsOf('records', key);
      return records.length === 0 ? null : ({ records, steps: rowsOf('steps', key) } satisfies Copy);
    },
    async restore(key, copy) {
      await lose(key);
      for (const of of ['records', 'steps'] as const) {
        for (const row of (copy as Copy)[of]) {
          const places = Object.keys(row).map(() => '?');
          database
            .prepare(`INSERT INTO ${tables[of][0]} VALUES (${places.join(', ')})`)
            .run(...Object.values(row).map(toBindable));
        }
      }
    },
  };
}
