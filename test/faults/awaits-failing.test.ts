// Must hold: every store call of an execution fails before it took effect, after it, or is never answered. What the
// caller is told, how often the work ran, what the record says and what a repeat gets stand in `awaits/table.ts`.
import { randomUUID } from 'node:crypto';
import { drain, type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type FaultStore, failsAfter, failsBefore, hangs, hangsAfter } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisUrl } from '../support/redis.js';
import { type SituationName, situations } from './awaits/situations.js';
import { type Fault, type Situation, type Stage, setStage } from './awaits/stage.js';
import { type FaultName, type Row, table } from './awaits/table.js';
import type { WayName, Words } from './awaits/ways.js';

const once = { isForGood: false, takesTime: false } as const;
const silence = { isForGood: false, takesTime: true } as const;
const forGood = { isForGood: true, takesTime: true } as const;

const faults: Record<FaultName, Fault> = {
  'fails before': { interference: failsBefore(), ...once },
  'fails, perhaps after': { interference: failsBefore('unknown'), ...once },
  'fails after': { interference: failsAfter, ...once },
  'hangs before': { interference: hangs, ...silence },
  'hangs after': { interference: hangsAfter, ...silence },
  'fails before, for good': { interference: failsBefore(), ...forGood },
  'fails after, for good': { interference: failsAfter, ...forGood },
  'hangs before, for good': { interference: hangs, ...forGood },
  'hangs after, for good': { interference: hangsAfter, ...forGood },
  'is refused, for good': { interference: failsBefore('misconfigured'), ...forGood },
  'makes no sense, for good': { interference: failsBefore('bug'), ...forGood },
};

let client: Redis;
beforeAll(async () => {
  client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
});
afterAll(() => client.disconnect());

const onRedis = () => new RedisStore({ client, prefix: `faults:${randomUUID()}:` });

/** Each way in, and the store below it. */
const ways: readonly [title: string, way: WayName, newStore: () => IdempotencyStore][] = [
  ['execute, memory', 'execute', () => new MemoryStore()],
  ['execute, Redis', 'execute', onRedis],
  ['Express 4, Redis', 'Express 4', onRedis],
  ['Express 5, Redis', 'Express 5', onRedis],
  ['Koa 2, Redis', 'Koa 2', onRedis],
  ['Koa 3, Redis', 'Koa 3', onRedis],
];

const rows = Object.entries(table).flatMap(([situation, cases]) =>
  Object.entries(cases).map(([fault, row]) => [situation as SituationName, fault as FaultName, row] as const),
);

describe.concurrent('An execution, of a function or behind any framework,', () => {
  it.for(rows)('%s, and the call %s', async ([name, fault, row]) => {
    const situation: Situation = situations[name];
    const here = ways.filter(([, way]) => situation.only === undefined || way !== 'execute');
    const outcomes = here.map(async ([title, way, newStore]) => {
      return [title, await outcomeOf(situation, faults[fault], way, newStore())];
    });
    const expected = here.map(([title, way]) => [title, expectedOf(row, way)]);
    expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(expected));
  });
});

type Outcome = Record<'told' | 'record' | 'repeat', string> & { readonly runs: number };

function expectedOf([told, runs, record, repeat]: Row, way: WayName): Outcome {
  const toldHere = typeof told === 'string' ? told : told[way === 'execute' ? 'function' : 'http'];
  return { told: toldHere, runs, record, repeat };
}

async function outcomeOf(situation: Situation, fault: Fault, way: WayName, inner: IdempotencyStore): Promise<Outcome> {
  const stage = await setStage({ situation, fault, way, inner });
  try {
    const told = await playOut(situation, stage);
    expect(stage.struck()).toBeGreaterThan(0);
    stage.mend();
    expect(await drain(stage.store)).toBe(true);
    return { told, runs: stage.runs(), record: await recordOf(stage.store), repeat: await stage.ask() };
  } finally {
    await stage.close();
  }
}

async function playOut({ play, run }: Situation, stage: Stage): Promise<Words> {
  if (play !== undefined) return await play(stage);
  if (run === undefined) stage.strike();
  return await stage.ask();
}

/** Of the key that was asked for last. */
async function recordOf({ calls, inner }: FaultStore): Promise<string> {
  const { record } = await inner.read(calls.at(-1)?.key ?? '');
  return record === null ? 'none' : `${record.state}, attempt ${record.attempt}`;
}
