// Time in this process: a monotonic clock, backoff and pauses.
import { unref } from '../timers.js';

/** Monotonic milliseconds of this process; only differences mean something. */
export function monotonicMs(): number {
  return performance.now();
}

export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
  /** How many times as long each pause is as the one before. Default 2. */
  readonly factor?: number;
}

/** Between the tries of a call that somebody waits for. */
export const callBackoff: Backoff = { initialMs: 10, maxMs: 200 };

/** Exponential backoff with jitter: how long to pause after a failure, when `failures` others came before it. */
export function backoffMs(failures: number, { initialMs, maxMs, factor = 2 }: Backoff): number {
  return withJitter(Math.min(initialMs * factor ** failures, maxMs));
}

/** A random duration between half of `ms` and all of it, so that callers that began together do not return together. */
export function withJitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** A pause that a caller waits for: it keeps the process alive. */
export async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

/** A pause that nobody waits for: it does not keep the process alive. */
export async function pauseInBackground(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    unref(setTimeout(resolve, ms));
  });
}

/** A pause that a caller waits for and that ends at once when `signal` aborts: it then rejects with the signal's reason. */
export async function pauseUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
