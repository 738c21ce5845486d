// One direction of a connection with a delay.
import { setTimeout as pause } from 'node:timers/promises';

/** Has everything happen in the order in which it came, and each as late as the delay says when it comes. */
export function createDelayQueue(delayMs: () => number): (happen: () => void) => void {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  return (happen) => {
    if (waiting === 0 && delayMs() === 0) return happen();
    waiting += 1;
    last = Promise.all([last, pause(delayMs(), undefined, { ref: false })]).then(() => {
      waiting -= 1;
      happen();
    });
  };
}
