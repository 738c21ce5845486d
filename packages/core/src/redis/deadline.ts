// The end of every call, whatever the client does or fails to do.
import { StoreError } from '../errors.js';
import { unref } from '../timers.js';

/** What comes after `ms` is not listened to any more; `silence` says what was waited for. */
export function withDeadline<T>(ms: number, silence: () => string, ask: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const asked = ask();
    const timer = unref(setTimeout(() => reject(new StoreError('unknown', silence())), ms));
    asked.then(
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
