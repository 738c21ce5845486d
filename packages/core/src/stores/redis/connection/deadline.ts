// The end of every call, whatever the client does or fails to do.
import { StoreError } from '../../../errors.js';
import { unref } from '../../../timers.js';

/** What comes after `ms` is not listened to any more; `silence` says what was waited for. */
export function withDeadline<T>(ms: number, timeoutMessage: () => string, start: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const pending = start();
    const timer = unref(setTimeout(() => reject(new StoreError('unknown', timeoutMessage())), ms));
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
