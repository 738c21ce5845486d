// Delays what travels in one direction of a connection, and keeps its order.
import { setTimeout as pause } from 'node:timers/promises';

/** Creates a queue that runs actions in the order of their arrival. Each waits for the delay that applies when it arrives. */
export function createDelayQueue(delayMs: () => number): (action: () => void) => void {
  let pending = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (action) => {
    if (pending === 0 && delayMs() === 0) return action();
    pending += 1;
    last = Promise.all([last, pause(delayMs(), undefined, { ref: false })]).then(() => {
      pending -= 1;
      action();
    });
  };
}
