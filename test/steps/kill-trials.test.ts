// Must hold: workers are killed before, in and after every step of an order, and those that take it up may be killed as well. A
// system that knows a call by its key acts once; one that does not is called once at most; no doubt ends silently.
import { setTimeout as pause } from 'node:timers/promises';
import { resolveDoubt } from '@onceguard/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../model/seeded-random.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import {
  inGroups,
  type Job,
  jobsAtRandomPoints,
  openShop,
  pointsOfAnOrder,
  policies,
  type Shop,
  type StepName,
  startWorker,
  type Trial,
  type WorkerMessage,
} from './trials.js';

const seed = 20_261_121;
const trialCount = 200;

/** Killed at a point each, these many by one signal; the others by a signal at any time. */
const ordersPerWorker = 20;
const trialsAtAnyTime = 40;
const leaseMs = 600;

let redis: RedisServer;
let shop: Shop;
beforeAll(async () => {
  redis = await startRedis();
  shop = await openShop(redis.url);
});
afterAll(async () => {
  shop.close();
  await redis.stop();
});

it(`Orders whose workers are killed take effect once, and no doubt ends silently (seed ${seed})`, {
  timeout: 180_000,
}, async () => {
  const random = new Random(seed);
  const trials = Array.from({ length: trialCount }, (_, n): Trial => {
    return { trial: `order-${n}`, policy: policies[n % policies.length] ?? 'rerun' };
  });

  const first = trials.slice(trialsAtAnyTime);
  await twoAtATime(inGroups(jobsAtRandomPoints(first, random), ordersPerWorker), killAtPoints);
  expect(points.size).toBe(pointsOfAnOrder);
  await twoAtATime(inGroups(trials.slice(0, trialsAtAnyTime), 10), (some) =>
    killAtAnyTime(some, random.integer(20, 200)),
  );
  const again = trials.filter(() => random.chance(0.5));
  await twoAtATime(inGroups(jobsAtRandomPoints(again, random), ordersPerWorker), killAtPoints);
  expect(points).toContain('has found out');

  const ends = await finish(trials);
  expect((await Promise.all(trials.map((trial) => findingsFor(trial, ends)))).flat()).toEqual([]);
  // So many that each of the three is put to the test.
  for (const policy of policies) {
    const inDoubt = trials.filter((one) => one.policy === policy && doubtsOf(one.trial).length > 0);
    expect(inDoubt.length).toBeGreaterThan(5);
  }

  const undecided = trials.filter(({ trial }) => ends.get(trial) === 'outcome_unknown');
  const decisions = new Map(await Promise.all(undecided.map(decide)));
  const later = await finish(undecided);
  const right = undecided.map(({ trial }) => [trial, decisions.get(trial) === 'done' ? 'expired' : 'executed']);
  expect([...later]).toEqual(right);
  const goneOn = undecided.filter(({ trial }) => decisions.get(trial) === 'not_done');
  expect((await Promise.all(goneOn.map((trial) => findingsFor(trial, later)))).flat()).toEqual([]);
});

/** Where workers were killed, and the steps of each order that were in doubt when one had been. */
const points = new Set<string>();
const doubts = new Map<string, readonly StepName[]>();

async function killAtPoints(jobs: readonly Job[]): Promise<void> {
  const worker = await startWorker({ url: redis.url, prefix: shop.prefix, leaseMs });
  const news = await worker.take(jobs);
  await worker.kill();
  for (const said of news.values()) if ('stands' in said) points.add(said.stands);
  await rememberDoubts(jobs);
}

async function killAtAnyTime(trials: readonly Trial[], afterMs: number): Promise<void> {
  const worker = await startWorker({ url: redis.url, prefix: shop.prefix, leaseMs });
  const jobs = trials.map((trial) => ({ ...trial, stopAt: null, longestPauseMs: 10 }));
  await Promise.race([worker.take(jobs), pause(afterMs)]);
  await worker.kill();
  await rememberDoubts(jobs);
}

async function rememberDoubts(trials: readonly Trial[]): Promise<void> {
  for (const { trial } of trials) doubts.set(trial, [...doubtsOf(trial), ...(await shop.doubtsOf(trial))]);
}

function doubtsOf(trial: string): readonly StepName[] {
  return doubts.get(trial) ?? [];
}

/** Nobody kills this worker. What each order ends with, by its name. */
async function finish(trials: readonly Trial[]): Promise<ReadonlyMap<string, string>> {
  const worker = await startWorker({ url: redis.url, prefix: shop.prefix, leaseMs: 60_000 });
  const news = await worker.take(trials.map((trial) => ({ ...trial, stopAt: null, longestPauseMs: 0 })));
  await worker.kill();
  return new Map(trials.map(({ trial }) => [trial, endOf(news.get(trial))]));
}

/** What must not be, in words that name the order. */
async function findingsFor({ trial, policy }: Trial, ends: ReadonlyMap<string, string>): Promise<string[]> {
  const { calls, effects, asked } = await shop.tracesOf(trial);
  const end = ends.get(trial) ?? 'nothing';
  const isDone = end === 'executed' || end === 'replayed';
  const standing = await shop.doubtsOf(trial);
  const isOpen = standing.some((step) => policy !== 'recover' || calls[step] > 0);
  const wrong = {
    [`it ended with ${end}`]: !isDone && end !== 'outcome_unknown',
    'a system that does not know the key was called again': calls.charge > 1 || calls.mail > 1,
    'a system that knows the key acted again': effects.reserve > 1 || effects.ship > 1,
    'it is done, and a part of it is not': isDone && Object.values(calls).includes(0),
    'it is unknown, and nothing is in doubt': end === 'outcome_unknown' && policy !== 'block' && !isOpen,
    'a doubt ended silently': isDone && doubtsOf(trial).some((step) => !asked.has(step)),
  };
  const names = Object.entries(wrong).filter(([, is]) => is);
  return names.map(([what]) => `${trial}, ${policy}: ${what}, ${JSON.stringify({ calls, effects, standing })}`);
}

/** A person looks at what the other systems saw, and decides: done where a step in doubt happened, else not done. */
async function decide({ trial }: Trial): Promise<readonly [string, 'done' | 'not_done']> {
  const { calls } = await shop.tracesOf(trial);
  const happened = (await shop.doubtsOf(trial)).some((step) => calls[step] > 0);
  const as = happened ? 'done' : 'not_done';
  const decision = { as, by: 'Ada', reason: 'asked the other systems' } as const;
  expect(await resolveDoubt(shop.store, shop.nameOf(trial), decision)).toMatchObject({ kind: 'ok' });
  doubts.delete(trial);
  return [trial, as];
}

function endOf(said: WorkerMessage | undefined): string {
  if (said === undefined) return 'nothing';
  return 'ends' in said ? said.ends : `standing still: ${said.stands}`;
}

/** Two at a time, as many as there are cores on a small machine. */
async function twoAtATime<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  for (const pair of inGroups(items, 2)) await Promise.all(pair.map(act));
}
