// Gives a call a deadline, whatever the client does.
import { StoreError } from '../errors.js';
import { startDeadline, unref } from '../timers.js';

/** Rejects with a `StoreError` of class `unknown` after `ms`. What the call returns later is ignored. */
export function withDeadline<T>(ms: number, timeoutMessage: () => string, start: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const pending = start();
    const timer = unref(startDeadline(ms, () => reject(new StoreError('unknown', timeoutMessage()))));
    pending.then(
      (reply) => {
        clearTimeout(timer);
        resolve(reply);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
