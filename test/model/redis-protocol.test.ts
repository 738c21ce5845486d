// The model test: the scripts on a real Redis against the pure protocol, in random order, with expiring leases and lost
// data.
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { isInDoubt } from '../../packages/core/src/protocol/doubt.js';
import type { ScanPage } from '../../packages/core/src/store/port.js';
import { RedisStore } from '../../packages/core/src/stores/redis/index.js';
import { acquireScript } from '../../packages/core/src/stores/redis/wire/scripts/acquire-script.js';
import { checkpointScript } from '../../packages/core/src/stores/redis/wire/scripts/checkpoint-script.js';
import { completeScript } from '../../packages/core/src/stores/redis/wire/scripts/complete-script.js';
import { readScript } from '../../packages/core/src/stores/redis/wire/scripts/read-script.js';
import { releaseScript } from '../../packages/core/src/stores/redis/wire/scripts/release-script.js';
import { removeScript } from '../../packages/core/src/stores/redis/wire/scripts/remove-script.js';
import { renewScript } from '../../packages/core/src/stores/redis/wire/scripts/renew-script.js';
import { resolveScript } from '../../packages/core/src/stores/redis/wire/scripts/resolve-script.js';
import { listeningStore } from '../store/completion-listeners.js';
import { amountOf } from '../support/amounts.js';
import { redisUrl } from '../support/redis.js';
import { ModelDifference, walkAll } from './random-walk.js';
import { redisData } from './redis-data.js';
import { ReplyCounts } from './reply-kinds.js';
import { clientWithMutation, scriptMutations } from './script-mutations.js';

const steps = amountOf({ usual: 25_000, long: 100_000 });
const keys = 64;
/** A broken script has to be found within so many steps. Most are after some hundred. */
const mutationSteps = 300_000;

/** How often each kind of reply must occur. */
const leastSeen = amountOf({ usual: 1, long: 25 });

const scripts = [
  acquireScript,
  renewScript,
  checkpointScript,
  completeScript,
  releaseScript,
  resolveScript,
  removeScript,
  readScript,
];

// A run is repeated with the seed that its failure names; only Redis' clock is not repeated.
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 1e9));
let prefix: string;
let redis: Redis;

beforeAll(() => {
  redis = new Redis(redisUrl());
});

beforeEach(() => {
  prefix = `model:${randomUUID()}:`;
});

afterEach(async () => {
  await redis.unlink('', ...(await redis.keys(`${prefix}*`)));
});

afterAll(() => redis.disconnect());

test(`${steps} random steps on Redis get the replies and leave the records of the protocol, and reach every kind of reply`, async () => {
  const store = await RedisStore.connect({ url: redisUrl(), prefix, callTimeoutMs: 30_000 });
  const { notifiedKeys } = await listeningStore(store, redis, prefix);
  const counts = new ReplyCounts();
  await walkAll({ store, data: redisData(redis, prefix), seed, onReply: counts.add }, keys, steps);

  counts.expectEachKind(leastSeen, seed);
  expect(await keysWithoutEnd()).toEqual([]);
  await expectDoubtsListed(store);
  expect(notifiedKeys.length).toBeGreaterThanOrEqual(leastSeen);
  await store.close();
}, 300_000);

/** They try the walk, and not the server: one version of Redis is enough. */
const triedMutations = process.env.ONCEGUARD_SHORT === undefined ? scriptMutations : [];

test.each(triedMutations)(
  'the same steps detect a script in which $mistake',
  async (mutation) => {
    const client = await clientWithMutation(redis, prefix, scripts, mutation);
    const store = new RedisStore({ client, prefix, callTimeoutMs: 30_000 });
    const run = walkAll({ store, data: redisData(redis, prefix), seed, onReply: () => undefined }, keys, mutationSteps);
    await expect(run, `seed ${seed}`).rejects.toThrow(ModelDifference);
  },
  300_000,
);

/** The list has exactly what a scan of all records finds in doubt. The leases of the walk are short: all have ended soon. */
async function expectDoubtsListed(store: RedisStore): Promise<void> {
  const all = { cursor: null, limit: 1_000 };
  const scanned = async () => (await allPages(store)).filter(({ record, now }) => isInDoubt(record, now));
  const names = async () => (await store.scan({ ...all, inDoubt: true })).records.map(({ key }) => key).sort();
  const compare = async () => {
    const [expected, listed] = [(await scanned()).map(({ key }) => key).sort(), await names()];
    return isDeepStrictEqual(listed, expected) && listed.length > 0 ? 'the same' : { expected, listed };
  };
  await expect.poll(compare, { timeout: 60_000 }).toBe('the same');
}

async function allPages(store: RedisStore) {
  const found = [];
  let cursor: string | null = null;
  do {
    const page: ScanPage = await store.scan({ cursor, limit: 1_000 });
    found.push(...page.records.map((entry) => ({ ...entry, now: page.now })));
    cursor = page.cursor;
  } while (cursor !== null);
  return found;
}

async function keysWithoutEnd(): Promise<string[]> {
  const found = await redis.keys(`${prefix}*`);
  const lives = await Promise.all(found.map((key) => redis.pttl(key)));
  return found.filter((_, index) => lives[index] === -1);
}
