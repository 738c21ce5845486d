// Resumes the requests of one event-loop iteration together.
// `runInNextIteration` uses the timer that existed when it was loaded, so that fake timers in a test do not stop requests.
import { runInNextIteration } from '../timers.js';

let currentBatch: Promise<void> | null = null;

/**
 * Resolves at the end of the current iteration of the event loop, for all callers of that iteration at once. They then advance in step:
 * each piece of code runs for all of them in a row while it is in the CPU cache, and their store calls are sent in one batch.
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
