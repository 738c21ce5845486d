// Work that is one step: what it tells says whose step stands on record.
import type { StepContext } from '@onceguard/core';
import type { RunResult, WorkContext } from './entry-points.js';

/** `run 1` by a later run: the step of run 1 is on record, and was not taken again. */
export async function runChargeStep(
  { step }: WorkContext,
  run: number,
  atMostOnce: boolean,
  act: (context: StepContext) => unknown = () => {},
): Promise<RunResult> {
  const charge = async (context: StepContext) => {
    await act(context);
    return run;
  };
  try {
    return { run: await step('charge', charge, { atMostOnce }), ends: 'done' };
  } catch (error) {
    return { run, ends: 'failed', error };
  }
}

/** Says that the other system has not been asked for anything, and fails. */
export function failWithNothingHappened({ markNothingHappened }: StepContext): never {
  markNothingHappened();
  throw new Error('no money');
}
