// The end of a turn of the event loop: requests that came in together go on together.
// `afterThisTurn` is the timer that was there at first: where a test fakes timers, requests are not held back.
import { runInNextIteration } from '../timers.js';

let currentBatch: Promise<void> | null = null;

/**
 * Resolves at the end of this turn, for all who ask for it in the turn at once. They go on in step, each line of code for all
 * of them in a row while the processor has it at hand, and their calls of the store leave together.
 */
export function nextBatch(): Promise<void> {
  currentBatch ??= new Promise((resolve) => {
    runInNextIteration(() => {
      currentBatch = null;
      resolve();
    });
  });
  return currentBatch;
}
