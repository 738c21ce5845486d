// Every store call of an execution fails before it took effect, after it, or never gets a reply.
// `awaits/store-call-expectations.ts` gives what the caller gets, how often the work ran, the record and what a repeat
// gets.
import { randomUUID } from 'node:crypto';
import { drainStore, type IdempotencyStore, MemoryStore } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';
import { type FaultStore, failsAfter, failsBefore, hangs, hangsAfter } from '@onceguard/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { redisUrl } from '../support/redis.js';
import type { CallerOutcome, EntryPointName } from './awaits/entry-points.js';
import type { Expectation, FaultName } from './awaits/expectation.js';
import { type Fault, type FaultScenario, type Situation, startFaultScenario } from './awaits/fault-scenario.js';
import { storeCallExpectations } from './awaits/store-call-expectations.js';
import { type SituationName, situations } from './awaits/store-call-situations.js';

const once = { isPermanent: false, reachesDeadline: false } as const;
const onceUntilDeadline = { isPermanent: false, reachesDeadline: true } as const;
const permanently = { isPermanent: true, reachesDeadline: true } as const;

const faults: Record<FaultName, Fault> = {
  'fails before': { rule: failsBefore(), ...once },
  'fails, perhaps executed': { rule: failsBefore('unknown'), ...once },
  'fails after': { rule: failsAfter, ...once },
  'hangs before': { rule: hangs, ...onceUntilDeadline },
  'hangs after': { rule: hangsAfter, ...onceUntilDeadline },
  'fails before, permanently': { rule: failsBefore(), ...permanently },
  'fails after, permanently': { rule: failsAfter, ...permanently },
  'hangs before, permanently': { rule: hangs, ...permanently },
  'hangs after, permanently': { rule: hangsAfter, ...permanently },
  'is rejected, permanently': { rule: failsBefore('misconfigured'), ...permanently },
  'is invalid, permanently': { rule: failsBefore('bug'), ...permanently },
};

let client: Redis;
beforeAll(async () => {
  client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
});
afterAll(() => client.disconnect());

const onRedis = () => new RedisStore({ client, prefix: `faults:${randomUUID()}:` });

/** Each entry point, and its store. */
const entryPoints: readonly [title: string, entryPoint: EntryPointName, newStore: () => IdempotencyStore][] = [
  ['executeIdempotently, memory', 'executeIdempotently', () => new MemoryStore()],
  ['executeIdempotently, Redis', 'executeIdempotently', onRedis],
  ['Express 4, Redis', 'Express 4', onRedis],
  ['Express 5, Redis', 'Express 5', onRedis],
  ['Koa 2, Redis', 'Koa 2', onRedis],
  ['Koa 3, Redis', 'Koa 3', onRedis],
];

const rows = Object.entries(storeCallExpectations).flatMap(([situation, cases]) =>
  Object.entries(cases).map(([fault, row]) => [situation as SituationName, fault as FaultName, row] as const),
);

describe.concurrent('An execution, of a function or behind any framework,', () => {
  it.for(rows)('%s, and the call %s', async ([name, fault, row]) => {
    const situation: Situation = situations[name];
    const here = entryPoints.filter(
      ([, entryPoint]) => situation.onlyOver === undefined || entryPoint !== 'executeIdempotently',
    );
    const outcomes = here.map(async ([title, entryPoint, newStore]) => {
      return [title, await outcomeOf(situation, faults[fault], entryPoint, newStore())];
    });
    const expected = here.map(([title, entryPoint]) => [title, expectedOutcome(row, entryPoint)]);
    expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(expected));
  });
});

type ScenarioOutcome = Record<'outcome' | 'record' | 'repeat', string> & { readonly runs: number };

function expectedOutcome([outcome, runs, record, repeat]: Expectation, entryPoint: EntryPointName): ScenarioOutcome {
  const outcomeHere =
    typeof outcome === 'string' ? outcome : outcome[entryPoint === 'executeIdempotently' ? 'function' : 'http'];
  return { outcome: outcomeHere, runs, record, repeat };
}

async function outcomeOf(
  situation: Situation,
  fault: Fault,
  entryPoint: EntryPointName,
  inner: IdempotencyStore,
): Promise<ScenarioOutcome> {
  const scenario = await startFaultScenario({ situation, fault, entryPoint, inner });
  try {
    const outcome = await runScenario(situation, scenario);
    expect(scenario.failedCalls()).toBeGreaterThan(0);
    scenario.restoreStore();
    expect(await drainStore(scenario.store)).toBe(true);
    return {
      outcome,
      runs: scenario.runs(),
      record: await recordOf(scenario.store),
      repeat: await scenario.callHere(),
    };
  } finally {
    await scenario.close();
  }
}

async function runScenario({ act, run }: Situation, scenario: FaultScenario): Promise<CallerOutcome> {
  if (act !== undefined) return await act(scenario);
  if (run === undefined) scenario.failNextCall();
  return await scenario.callHere();
}

/** The record of the last call's key. */
async function recordOf({ calls, inner }: FaultStore): Promise<string> {
  const { record } = await inner.read(calls.at(-1)?.key ?? '');
  return record === null ? 'none' : `${record.state}, attempt ${record.attempt}`;
}
