// The end of a turn of the event loop: requests that came in together go on together.
// `afterThisTurn` is the timer that was there at first: where a test fakes timers, requests are not held back.
import { afterThisTurn } from '../timers.js';

let turn: Promise<void> | null = null;

/**
 * Resolves at the end of this turn, for all who ask for it in the turn at once. They go on in step, each line of code for all
 * of them in a row while the processor has it at hand, and their calls of the store leave together.
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    afterThisTurn(() => {
      turn = null;
      resolve();
    });
  });
  return turn;
}
