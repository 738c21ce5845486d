// The situations in which an execution calls its store because of a step, or of a function that finds out.
import { recovery, type StepContext } from '@onceguard/core';
import { failWithNothingHappened, runChargeStep } from './charge-step.js';
import type { CallerOutcome, RunResult, SharedOptions, WorkContext } from './entry-points.js';
import { type FaultScenario, type Situation, shortTimeoutMs } from './fault-scenario.js';

/** A lease that is not renewed ends a step that is recorded again and again; whoever comes after it waits for its end. */
const options: SharedOptions = { leaseMs: 1_500, maxExecutionMs: 10, onInProgress: { waitMs: 1.5 * shortTimeoutMs } };

export const stepSituations = {
  'records the result of a step': { verb: 'checkpoint', options, run: chargeInSteps({ atMostOnce: false }) },
  'records that a step begins which may run once': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true }),
  },
  'records the result of a step that may run once': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true, strikesWithin: true }),
  },
  'takes back that a step begins': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true, strikesWithin: true, first: failWithNothingHappened }),
  },
  'takes back that a step began, since somebody found out': {
    verb: 'checkpoint',
    options: { ...options, onAbandoned: () => recovery.notDone() },
    run: changesNothingInFirstRun,
    act: leaveStepInDoubt,
  },
  'leaves the outcome unknown, since nobody found out': {
    verb: 'release',
    options: { onAbandoned: () => recovery.stillUnknown() },
    run: changesNothingInFirstRun,
    act: leaveStepInDoubt,
  },
} as const satisfies Record<string, Situation>;

interface ChargeSituation {
  readonly atMostOnce: boolean;
  /** The call that fails is the one that follows the step, not the one that announces it. */
  readonly strikesWithin?: true;
  /** What the step of the first run does. */
  readonly first?: (context: StepContext) => unknown;
}

function chargeInSteps({ atMostOnce, strikesWithin, first }: ChargeSituation) {
  return async ({ failNextCall }: FaultScenario, run: number, told: WorkContext): Promise<RunResult> => {
    if (run > 1) return await runChargeStep(told, run, atMostOnce);
    if (!strikesWithin) failNextCall();
    return await runChargeStep(told, run, atMostOnce, (context) => {
      if (strikesWithin) failNextCall();
      return first?.(context);
    });
  };
}

async function changesNothingInFirstRun(_stage: FaultScenario, run: number, told: WorkContext): Promise<RunResult> {
  const declines = () => {
    throw new Error('The other system said nothing.');
  };
  return await runChargeStep(told, run, true, run === 1 ? declines : undefined);
}

/** The first run leaves its step in doubt; what is told is what the second caller hears. */
async function leaveStepInDoubt({ callHere, failNextCall }: FaultScenario): Promise<CallerOutcome> {
  await callHere();
  failNextCall();
  return await callHere();
}
