// A clock that only a test moves.

export interface ManualClock {
  /** Milliseconds since 1970. Needs no `this`, so that it can be handed on. */
  readonly now: () => number;
  /** Forward, or back by a negative number: clocks do that too. */
  advance(ms: number): void;
}

/** Starts in the middle of 2030 unless told otherwise. */
export function manualClock(startMs: number = Date.UTC(2030, 6, 1)): ManualClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
  };
}
