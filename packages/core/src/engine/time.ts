// Time on this side: a monotonic clock, and pauses.
import { unref } from '../timers.js';

/** Monotonic milliseconds of this process; only differences mean something. */
export function monotonicMs(): number {
  return performance.now();
}

/** Somewhere between half of it and all of it, so that callers that began together do not come back together. */
export function withJitter(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** A pause that a caller waits for, so it keeps the process alive. */
export async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

/** Nobody waits for this: it does not keep the process alive. */
export async function pauseInBackground(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    unref(setTimeout(resolve, ms));
  });
}
