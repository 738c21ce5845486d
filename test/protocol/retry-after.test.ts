// The retryAfterMs of in_progress: short at first, longer for work that takes long.
import { describe, expect, it } from 'vitest';
import type { StoredRecord } from '../../packages/core/src/protocol/index.js';
import { deriveStanding } from '../../packages/core/src/protocol/standing.js';
import { at, running } from './builders.js';

const leaseMs = 30_000;

/** An attempt of this age, with this much time left of its lease. */
function attempt(ageMs: number, leaseLeftMs: number): StoredRecord {
  return { ...running, fencingToken: at - ageMs, leaseMs, leaseEndAt: at + leaseLeftMs };
}

describe('While an attempt runs, retryAfterMs is', () => {
  it.each([
    ['a second at first', 0, 30_000, 1_000],
    ['a second while the attempt is younger than two', 1_999, 28_001, 1_000],
    ['half the age of the attempt', 4_001, 25_999, 2_000],
    ['half the age of an attempt that renewed its lease', 36_000, 28_000, 18_000],
    ['at most the rest of the lease', 600_000, 22_000, 22_000],
    ['the rest of a lease that is shorter than a second', 0, 200, 200],
  ])('%s', (_when, ageMs, leaseLeftMs, retryAfterMs) => {
    expect(deriveStanding(attempt(ageMs, leaseLeftMs), null, at)).toEqual({ kind: 'in_progress', retryAfterMs });
  });

  it('a second if the clock has stepped back behind the start of the attempt', () => {
    expect(deriveStanding(attempt(-60_000, 90_000), null, at)).toEqual({ kind: 'in_progress', retryAfterMs: 1_000 });
  });
});
