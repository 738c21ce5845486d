// The situations in which an execution calls its store because of a step, or of a recover function.
import { recovery, type StepContext } from '@onceguard/core';
import { failWithNothingHappened, runChargeStep } from './charge-step.js';
import type { CallerOutcome, RunResult, SharedOptions, WorkContext } from './entry-points.js';
import { type FaultScenario, type Situation, shortTimeoutMs } from './fault-scenario.js';

/** The lease is not renewed, so it ends the retries of a step's checkpoint; a later caller waits for its end. */
const options: SharedOptions = { leaseMs: 1_500, maxExecutionMs: 10, onInProgress: { waitMs: 1.5 * shortTimeoutMs } };

export const stepSituations = {
  'records the result of a step': { verb: 'checkpoint', options, run: chargeInSteps({ atMostOnce: false }) },
  'records the intent of an atMostOnce step': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true }),
  },
  'records the result of an atMostOnce step': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true, failsAfterStep: true }),
  },
  'withdraws the intent of a step': {
    verb: 'checkpoint',
    options,
    run: chargeInSteps({ atMostOnce: true, failsAfterStep: true, first: failWithNothingHappened }),
  },
  'withdraws the intent of a recovered step': {
    verb: 'checkpoint',
    options: { ...options, onAbandoned: () => recovery.notDone() },
    run: changesNothingInFirstRun,
    act: leaveStepInDoubt,
  },
  'leaves the outcome unknown after a recovery': {
    verb: 'release',
    options: { onAbandoned: () => recovery.stillUnknown() },
    run: changesNothingInFirstRun,
    act: leaveStepInDoubt,
  },
} as const satisfies Record<string, Situation>;

interface ChargeSituation {
  readonly atMostOnce: boolean;
  /** The call after the step fails, not the one before it. */
  readonly failsAfterStep?: true;
  /** What the step of the first run does. */
  readonly first?: (context: StepContext) => unknown;
}

function chargeInSteps({ atMostOnce, failsAfterStep, first }: ChargeSituation) {
  return async ({ failNextCall }: FaultScenario, run: number, context: WorkContext): Promise<RunResult> => {
    if (run > 1) return await runChargeStep(context, run, atMostOnce);
    if (!failsAfterStep) failNextCall();
    return await runChargeStep(context, run, atMostOnce, (stepContext) => {
      if (failsAfterStep) failNextCall();
      return first?.(stepContext);
    });
  };
}

async function changesNothingInFirstRun(_stage: FaultScenario, run: number, context: WorkContext): Promise<RunResult> {
  const failsWithoutReply = () => {
    throw new Error('The other system did not reply.');
  };
  return await runChargeStep(context, run, true, run === 1 ? failsWithoutReply : undefined);
}

/** The first run leaves its step in doubt; the outcome is that of the second caller. */
async function leaveStepInDoubt({ callHere, failNextCall }: FaultScenario): Promise<CallerOutcome> {
  await callHere();
  failNextCall();
  return await callHere();
}
