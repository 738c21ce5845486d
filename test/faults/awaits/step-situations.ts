// The situations in which an execution calls its store because of a step, or of a function that finds out.
import { notDone, type StepContext, stillUnknown } from '@onceguard/core';
import { changesNothing, charged } from './charging.js';
import { type Situation, type Stage, shortMs } from './stage.js';
import type { Options, Ran, Told, Words } from './ways.js';

/** A lease that is not renewed ends a step that is recorded again and again; whoever comes after it waits for its end. */
const options: Options = { leaseMs: 1_500, maxExecutionMs: 10, onInProgress: { waitMs: 1.5 * shortMs } };

export const stepSituations = {
  'records the result of a step': { verb: 'checkpoint', options, run: charges({ atMostOnce: false }) },
  'records that a step begins which may run once': { verb: 'checkpoint', options, run: charges({ atMostOnce: true }) },
  'records the result of a step that may run once': {
    verb: 'checkpoint',
    options,
    run: charges({ atMostOnce: true, strikesWithin: true }),
  },
  'takes back that a step begins': {
    verb: 'checkpoint',
    options,
    run: charges({ atMostOnce: true, strikesWithin: true, first: changesNothing }),
  },
  'takes back that a step began, since somebody found out': {
    verb: 'checkpoint',
    options: { ...options, onAbandoned: () => notDone() },
    run: declinesAtFirst,
    play: isLeftInDoubt,
  },
  'leaves the outcome unknown, since nobody found out': {
    verb: 'release',
    options: { onAbandoned: () => stillUnknown() },
    run: declinesAtFirst,
    play: isLeftInDoubt,
  },
} as const satisfies Record<string, Situation>;

interface Charging {
  readonly atMostOnce: boolean;
  /** The call that fails is the one that follows the step, not the one that announces it. */
  readonly strikesWithin?: true;
  /** What the step of the first run does. */
  readonly first?: (context: StepContext) => unknown;
}

function charges({ atMostOnce, strikesWithin, first }: Charging) {
  return async ({ strike }: Stage, run: number, told: Told): Promise<Ran> => {
    if (run > 1) return await charged(told, run, atMostOnce);
    if (!strikesWithin) strike();
    return await charged(told, run, atMostOnce, (context) => {
      if (strikesWithin) strike();
      return first?.(context);
    });
  };
}

async function declinesAtFirst(_stage: Stage, run: number, told: Told): Promise<Ran> {
  const declines = () => {
    throw new Error('The other system said nothing.');
  };
  return await charged(told, run, true, run === 1 ? declines : undefined);
}

/** The first run leaves its step in doubt; what is told is what the second caller hears. */
async function isLeftInDoubt({ ask, strike }: Stage): Promise<Words> {
  await ask();
  strike();
  return await ask();
}
