// A process is killed at any point of an execution. This table gives what its caller got, how often the work had run,
// the record, and what a second process gets, at once and after the lease.
import { randomUUID } from 'node:crypto';
import type { IdempotencyStore } from '@onceguard/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runChargeStep } from './awaits/charge-step.js';
import {
  type CallerOutcome,
  callAsFunction,
  callOverHttp,
  type SharedOptions,
  startHttpApplication,
  type Work,
} from './awaits/entry-points.js';
import { type KillPoint, type Policy, policies } from './awaits/kill-point.js';
import {
  casesOf,
  type KillCase,
  type KillMoment,
  type KillPointName,
  keyOf,
  killPoints,
  titleOf,
} from './awaits/kill-points.js';
import { openSharedRecords, type SharedRecords } from './awaits/shared-records.js';
import { startVictim } from './awaits/start-victim.js';

/** What repeats get: the first at once, the second after the lease if the first did not end it. */
type RepeatOutcomes = readonly [atOnce: CallerOutcome, afterLease?: CallerOutcome];

interface KilledRow {
  readonly callerOutcome: CallerOutcome;
  readonly runs: number;
  readonly record: string | PerPolicy<string>;
  readonly repeats: PerPolicy<RepeatOutcomes>;
}

type PerPolicy<T> = Readonly<Partial<Record<Policy, T>>>;

const underEveryPolicy = (...repeats: RepeatOutcomes): KilledRow['repeats'] => ({
  rerun: repeats,
  block: repeats,
  payments: repeats,
});

/** Nobody knows how far it came: where work may run again it does, else somebody has to decide. */
const afterPossibleRun = (repeat: CallerOutcome): KilledRow['repeats'] => ({
  rerun: ['in_progress', repeat],
  block: ['in_progress', 'outcome_unknown'],
  payments: ['in_progress', 'outcome_unknown'],
});

const nothing: KilledRow = { callerOutcome: 'nothing', runs: 0, record: 'none', repeats: underEveryPolicy('run 1') };
const acquiredOnly: KilledRow = { ...nothing, record: 'in_progress, attempt 1', repeats: afterPossibleRun('run 1') };
const begun: KilledRow = { ...acquiredOnly, runs: 1, repeats: afterPossibleRun('run 2') };
const takenOver: KilledRow = {
  ...acquiredOnly,
  runs: 2,
  record: 'in_progress, attempt 2',
  repeats: afterPossibleRun('run 3'),
};
const recorded: KilledRow = { ...begun, record: 'completed, attempt 1', repeats: underEveryPolicy('run 1, replayed') };
const freed: KilledRow = { ...nothing, record: 'retryable, attempt 1' };
const failed: KilledRow = {
  ...begun,
  record: { rerun: 'retryable, attempt 1', block: 'retryable, attempt 1', payments: 'unknown, attempt 1' },
  repeats: { rerun: ['run 2'], block: ['run 2'], payments: ['outcome_unknown'] },
};

/** Where the next caller may run, or finds that nothing is in doubt, the work continues. */
const stepBegun = (repeat: CallerOutcome): KilledRow => ({
  ...begun,
  repeats: {
    rerun: ['in_progress', repeat],
    block: ['in_progress', 'outcome_unknown'],
    recover: ['in_progress', repeat],
  },
});
const stepInDoubt = stepBegun('outcome_unknown');
const recovering = (repeat: CallerOutcome): KilledRow => ({
  ...begun,
  record: 'in_progress, attempt 2',
  repeats: { recover: ['in_progress', repeat] },
});
const withOutcome = (callerOutcome: CallerOutcome, row: KilledRow): KilledRow => ({ ...row, callerOutcome });

const killExpectations: Readonly<Record<KillPointName, Readonly<Partial<Record<KillMoment, KilledRow>>>>> = {
  'calls its scope function': { during: nothing },
  'reads the store clock': { before: nothing, after: nothing },
  'acquires the lease': { before: nothing, after: acquiredOnly },
  'acquires again what is completed': { before: recorded, after: recorded },
  'polls for the outcome of another attempt': { before: begun, after: begun },
  'runs the work': { during: begun },
  'renews its lease': { before: begun, after: begun },
  'records its outcome': { before: begun, after: recorded },
  'records a response that is partly sent': {
    before: withOutcome('cut off', begun),
    after: withOutcome('cut off', recorded),
  },
  'sends its response': { during: recorded },
  'records its outcome in the background': {
    before: withOutcome('run 1, not recorded', begun),
    after: withOutcome('run 1, not recorded', recorded),
  },
  'polls for the outcome of the new owner': { before: takenOver, after: takenOver },
  'frees the key after a failure': { before: begun, after: failed },
  'releases a token whose acquire got no reply': {
    before: withOutcome('store_unavailable', acquiredOnly),
    after: withOutcome('store_unavailable', freed),
  },
  'releases a token whose acquire came too late': { before: nothing, after: nothing },
  'runs a step': { during: stepBegun('run 2') },
  'records the result of a step': { before: stepBegun('run 2'), after: stepBegun('run 1') },
  'records the intent of an atMostOnce step': { before: stepBegun('run 2'), after: stepInDoubt },
  'runs an atMostOnce step': { during: stepInDoubt },
  'records the result of an atMostOnce step': { before: stepInDoubt, after: stepBegun('run 1') },
  'withdraws the intent of a step': { before: stepInDoubt, after: stepBegun('run 2') },
  'recovers a step': { during: recovering('outcome_unknown') },
  'withdraws the intent of a recovered step': {
    before: recovering('outcome_unknown'),
    after: recovering('run 2'),
  },
  'leaves the outcome unknown after a recovery': {
    before: recovering('outcome_unknown'),
    after: { ...begun, record: 'unknown, attempt 2', repeats: { recover: ['outcome_unknown'] } },
  },
};

/** The second process: this one. */
let records: SharedRecords;
let store: IdempotencyStore;
const prefix = `faults:${randomUUID()}:`;

beforeAll(async () => {
  records = await openSharedRecords(prefix);
  store = records.newStore();
});
afterAll(() => records.close());

describe.concurrent('A process that is killed when it', () => {
  it.for(Object.entries(killExpectations) as [KillPointName, (typeof killExpectations)[KillPointName]][])(
    '%s',
    async ([killPoint, rows]) => {
      const group = randomUUID();
      const moments = Object.keys(rows) as KillMoment[];
      const victim = await startVictim({ prefix, killPoint, moments, group });
      const names = await victim.reached;
      // These callers get their outcome just before the process dies.
      if (Object.values(rows).some((row) => !['nothing', 'cut off'].includes(row.callerOutcome)))
        await victim.callerOutcomes;
      await victim.kill();
      const callerOutcomes = await victim.callerOutcomes;

      const outcomes = casesOf(killPoint, moments).map(async (killCase) => {
        const [title, key] = [titleOf(killCase), keyOf(group, killCase)];
        const runs = await records.runsOf(key);
        const record = await recordOf(names.get(title) ?? null);
        return [
          title,
          {
            callerOutcome: callerOutcomes.get(title),
            runs,
            record,
            repeats: await repeatCalls(killPoint, killCase, key),
          },
        ];
      });
      const expected = casesOf(killPoint, moments).map((killCase) => [
        titleOf(killCase),
        expectedOf(rows[killCase.moment], killCase),
      ]);
      expect(Object.fromEntries(await Promise.all(outcomes))).toEqual(Object.fromEntries(expected));
    },
  );
});

function expectedOf(row: KilledRow | undefined, { policy }: KillCase) {
  if (row === undefined) return undefined;
  const { record, repeats } = row;
  return { ...row, record: typeof record === 'string' ? record : record[policy], repeats: repeats[policy] };
}

async function recordOf(name: string | null): Promise<string> {
  const { record } = name === null ? { record: null } : await store.read(name);
  return record === null ? 'none' : `${record.state}, attempt ${record.attempt}`;
}

async function repeatCalls(killPoint: KillPointName, killCase: KillCase, key: string): Promise<CallerOutcome[]> {
  const atOnce = await callFromSecondProcess(killPoint, killCase, key, {});
  if (atOnce !== 'in_progress') return [atOnce];
  return [atOnce, await callFromSecondProcess(killPoint, killCase, key, { onInProgress: { waitMs: 60_000 } })];
}

async function callFromSecondProcess(
  killPoint: KillPointName,
  { entryPoint, policy }: KillCase,
  key: string,
  patience: SharedOptions,
): Promise<CallerOutcome> {
  const { step }: KillPoint = killPoints[killPoint];
  const work: Work = async (context) => {
    const run = await records.countRun(key);
    return step === undefined ? { run, ends: 'done' } : await runChargeStep(context, run, step.atMostOnce);
  };
  const setup = { store, options: { ...policies[policy], ...patience }, work };
  if (entryPoint === 'executeIdempotently') return await callAsFunction(setup, key);
  const { port, close } = await startHttpApplication(entryPoint, setup);
  try {
    return await callOverHttp(port, key);
  } finally {
    await close();
  }
}
