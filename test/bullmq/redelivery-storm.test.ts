// Must hold, 3: a storm of redeliveries over workers that die.
import { RedisStore } from '@onceguard/core/redis';
import { type RedisServer, startRedis } from '@onceguard/testing';
import type * as bullmq from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Random } from '../model/seeded-random.js';
import { amountOf } from '../support/amounts.js';
import { loadBullmq } from './bullmq-majors.js';
import {
  eventLogKey,
  type KillMoment,
  runCountKey,
  type StormJob,
  unjustifiedRuns,
  WorkerFleet,
} from './redelivery-storm.js';

const deliveries = 5;
const workers = 3;
const killMoments: readonly KillMoment[] = ['before', 'after', 'recorded'];
/** Long enough for a process that a busy machine lets wait. */
const leaseMs = 3_000;
const attempts = 3;
const seed = 20_261_121;

/** Of every 20 keys there is one in whose first run a worker dies. */
function drawDeaths(keys: readonly string[], random: Random): Record<string, KillMoment> {
  const deaths: Record<string, KillMoment> = {};
  for (let at = 0; at < keys.length; at += 20) deaths[random.pick(keys.slice(at, at + 20))] = random.pick(killMoments);
  return deaths;
}

/** Duplicates come close together, so that they meet each other at work. */
function* inBlocks(keys: readonly string[]): Generator<string> {
  for (let at = 0; at < keys.length; at += 10) {
    for (let delivery = 0; delivery < deliveries; delivery += 1) yield* keys.slice(at, at + 10);
  }
}

const storms = [
  { major: 5, events: 100 },
  { major: 6, events: amountOf({ usual: 100, long: 1_000 }) },
] as const;

describe.each(storms)(
  'On BullMQ $major, with $events events, each delivered 5 times over 3 workers, one of which is killed in every twentieth',
  ({ major, events }) => {
    const keys = Array.from({ length: events }, (_, index) => `event-${index}`);
    let server: RedisServer;
    let redis: Redis;
    let store: RedisStore;
    let queue: bullmq.Queue<StormJob['data']>;
    let fleet: WorkerFleet;
    let jobs: StormJob[] = [];

    beforeAll(async () => {
      server = await startRedis();
      redis = new Redis(server.url);
      store = await RedisStore.connect({ url: server.url, callTimeoutMs: 30_000 });
      const connection = { url: server.url, maxRetriesPerRequest: null };
      const { Queue } = await loadBullmq(major);
      queue = new Queue('storm', { connection });
      await queue.addBulk([...inBlocks(keys)].map((key) => ({ name: 'charge', data: { key }, opts: { attempts } })));
      const deaths = drawDeaths(keys, new Random(seed));
      fleet = new WorkerFleet(workers, {
        bullmq: major === 6 ? 'bullmq' : 'bullmq5',
        url: server.url,
        deaths,
        leaseMs,
      });
      await vi.waitFor(async () => expect(await unfinished()).toBe(0), { timeout: 240_000, interval: 200 });
      await fleet.stop();
      jobs = await queue.getJobs(['completed']);
    }, 300_000);

    afterAll(async () => {
      await fleet?.stop();
      await Promise.all([queue.close(), store.close()]);
      redis.disconnect();
      await server.stop();
    });

    async function unfinished(): Promise<number> {
      const { completed = 0, failed = 0, ...others } = await queue.getJobCounts();
      return Object.values(others).reduce((sum, count) => sum + count, 0);
    }

    test('workers died of most of these keys', () => {
      // A key whose first run ended with another one’s kills nobody.
      expect(fleet.killed.size).toBeGreaterThan(keys.length / 40);
    });

    test('every delivery completed with the outcome of its key, and the queue is empty', async () => {
      const counts = await queue.getJobCounts();
      expect(Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))).toEqual({
        completed: keys.length * deliveries,
      });
      const outcomes = new Map(keys.map((key) => [key, new Set<string>()]));
      for (const { data, returnvalue } of jobs) {
        expect(returnvalue?.key).toBe(data.key);
        outcomes.get(data.key)?.add(JSON.stringify(returnvalue));
      }
      expect([...outcomes].filter(([, { size }]) => size !== 1)).toEqual([]);
      expect(jobs).toHaveLength(keys.length * deliveries);
    });

    test('duplicates used up no attempt', () => {
      expect(jobs.filter(({ attemptsMade }) => attemptsMade !== 1)).toEqual([]);
    });

    test('each key has one recorded outcome', async () => {
      const page = await store.scan({ cursor: null, limit: 100_000 });
      const states = new Map(page.records.map(({ key, record }) => [key, record.state]));
      expect(page.cursor).toBeNull();
      expect([...states.values()]).toEqual(keys.map(() => 'completed'));
    });

    test('no key ran again unless the worker that ran it was killed, and none after anybody was told', async () => {
      const runs = await Promise.all(keys.map(async (key) => Number(await redis.get(runCountKey(key)))));
      const stories = await Promise.all(keys.map((key) => redis.lrange(eventLogKey(key), 0, -1)));
      expect(stories.flatMap((story) => unjustifiedRuns(story, fleet.killed).map(() => story))).toEqual([]);
      expect(runs.filter((count) => count < 1)).toEqual([]);
      // The storm was one: some keys did run again.
      expect(runs.some((count) => count > 1)).toBe(true);
    });
  },
);
