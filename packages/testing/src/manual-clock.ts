// manualClock: a clock that moves only when a test moves it.

export interface ManualClock {
  /** The time in milliseconds since 1970. It needs no `this`, so it can be passed as a function. */
  readonly now: () => number;
  /** Moves the clock forward, or back by a negative number, because real clocks are sometimes set back. */
  advance(ms: number): void;
}

/**
 * Creates a clock that stands still until `advance` is called. `startMs` defaults to the middle of 2030.
 *
 * @example
 * ```ts
 * import assert from 'node:assert/strict';
 * import { MemoryStore } from '@onceguard/core';
 * import { manualClock } from '@onceguard/testing';
 *
 * const clock = manualClock(0);
 * const store = new MemoryStore({ clock: clock.now });
 * clock.advance(60_000);
 * assert.equal((await store.read('order-1')).now, 60_000);
 * ```
 */
export function manualClock(startMs: number = Date.UTC(2030, 6, 1)): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}
