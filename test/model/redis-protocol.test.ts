// The model test: the scripts on a real Redis against the pure protocol, in random order, with leases that run out and lost data.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { RedisStore } from '../../packages/core/src/redis/index.js';
import { acquireScript } from '../../packages/core/src/redis/scripts/acquire.js';
import { checkpointScript } from '../../packages/core/src/redis/scripts/checkpoint.js';
import { completeScript } from '../../packages/core/src/redis/scripts/complete.js';
import { readScript } from '../../packages/core/src/redis/scripts/read.js';
import { releaseScript } from '../../packages/core/src/redis/scripts/release.js';
import { renewScript } from '../../packages/core/src/redis/scripts/renew.js';
import { removeScript, resolveScript } from '../../packages/core/src/redis/scripts/resolve.js';
import { hearing } from '../store/hearing.js';
import { redisUrl } from '../support/redis.js';
import { mutated, mutations } from './mutations.js';
import { Difference, walkAll } from './walk.js';

const steps = 100_000;
const keys = 64;
/** A broken script has to be found within so many steps. */
const mutationSteps = 60_000;

/** Every kind of answer of every verb, and how often it must have been seen at least. */
const answers = [
  'acquire: acquired, acquired with steps, acquired takeover, acquired takeover with steps, acquired recovering, ' +
    'acquired recovering with steps, mismatch, in_progress, superseded, unknown, completed, expired',
  'renew: ok, lost, gone, restored',
  'checkpoint: ok, lost, gone',
  'complete: ok, gone, restored, lost mismatch, lost in_progress, lost retryable, lost unknown, lost completed, lost expired',
  'release: ok, lost, gone',
  'resolve: ok, gone, conflict in_progress, conflict retryable, conflict unknown, conflict completed, conflict expired',
];
const leastSeen = 50;

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

// A run is made again with the seed that a failure names; only Redis' clock is not repeated.
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

test(`${steps} random steps on Redis answer and leave what the protocol says, and reach every kind of answer`, async () => {
  const store = await RedisStore.connect({ url: redisUrl(), prefix, storeTimeoutMs: 30_000 });
  const { heard } = await hearing(store, redis, prefix);
  const seen = new Map<string, number>();
  const saw = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  await walkAll({ store, redis, prefix, seed, saw }, keys, steps);

  for (const line of answers) {
    const [verb, kinds = ''] = line.split(': ');
    for (const kind of kinds.split(', ')) {
      expect.soft(seen.get(`${verb} ${kind}`) ?? 0, `${verb} ${kind}, seed ${seed}`).toBeGreaterThanOrEqual(leastSeen);
    }
  }
  expect(await keysWithoutEnd()).toEqual([]);
  expect(heard.length).toBeGreaterThanOrEqual(leastSeen);
  await store.close();
}, 300_000);

test.each(mutations)('the same steps find a script in which $mistake', async (mutation) => {
  const client = await mutated(redis, scripts, mutation);
  const store = new RedisStore({ client, prefix, storeTimeoutMs: 30_000 });
  const run = walkAll({ store, redis, prefix, seed, saw: () => undefined }, keys, mutationSteps);
  await expect(run, `seed ${seed}`).rejects.toThrow(Difference);
});

async function keysWithoutEnd(): Promise<string[]> {
  const found = await redis.keys(`${prefix}*`);
  const lives = await Promise.all(found.map((key) => redis.pttl(key)));
  return found.filter((_, index) => lives[index] === -1);
}
