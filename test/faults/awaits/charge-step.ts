// Work that is one step: its result says whose step is on record.
import type { StepContext } from '@onceguard/core';
import type { RunResult, WorkContext } from './entry-points.js';

/** `run 1` from a later run: the step of run 1 is on record, and did not run again. */
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

/** Declares that the other system was not called, and fails. */
export function failWithNothingHappened({ markNothingHappened }: StepContext): never {
  markNothingHappened();
  throw new Error('no money');
}
