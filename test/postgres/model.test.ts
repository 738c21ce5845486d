// The model test: the statements on a real PostgreSQL against the pure protocol, in random order, with expiring leases and lost data.
import type { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ModelDifference, walkAll } from '../model/random-walk.js';
import { ReplyCounts } from '../model/reply-kinds.js';
import { amountOf } from '../support/amounts.js';
import { postgresData } from './postgres-data.js';
import { openTestbed, type Testbed } from './postgres-testbed.js';
import { mutatedClient, withoutHotStatements } from './rows-clients.js';
import { statementMutations } from './statement-mutations.js';

const steps = Number(process.env.MODEL_STEPS ?? amountOf({ usual: 15_000, long: 40_000 }));
const lookAndSwapSteps = steps / 4;
const keys = 48;
/** A broken statement has to be found within so many steps. */
const mutationSteps = 60_000;
/** How often each kind of reply must occur. */
const leastSeen = amountOf({ usual: 1, long: 15 });

// A run is repeated with the seed that its failure names; only the clock of the server is not repeated.
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 1e9));
let testbed: Testbed;
/** Of all tests of this file: with a pool for each mistake, a fast machine opens more connections than the server takes. */
let pool: Pool;

beforeAll(async () => {
  testbed = await openTestbed();
  pool = testbed.pool({ max: 8 });
});

beforeEach(async () => await testbed.deleteRecords());

afterAll(async () => await testbed.close());

test(`${steps} random steps get the replies and leave the records of the protocol, and reach every kind of reply`, async () => {
  const counts = new ReplyCounts();
  const store = testbed.store({ client: pool });
  await walkAll({ store, data: data(), seed, onReply: counts.add }, keys, steps);
  counts.expectEachKind(leastSeen, seed);
}, 600_000);

test(`${lookAndSwapSteps} random steps by look and swap alone do so too`, async () => {
  const store = testbed.store({ client: withoutHotStatements(pool) });
  await walkAll({ store, data: data(), seed, onReply: () => undefined }, keys, lookAndSwapSteps);
}, 600_000);

test.each(statementMutations)(
  'the same steps detect a statement by which $mistake',
  async (mutation) => {
    const store = testbed.store({ client: mutatedClient(pool, mutation) });
    const run = walkAll({ store, data: data(), seed, onReply: () => undefined }, keys, mutationSteps);
    await expect(run, `seed ${seed}`).rejects.toThrow(ModelDifference);
  },
  120_000,
);

function data() {
  return postgresData(testbed.admin, testbed.schema);
}
