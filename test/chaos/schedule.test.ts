// The faults and the calls of a run depend on its seed alone.
import { expect, test } from 'vitest';
import { planCalls } from './call-plan.js';
import { drawFaults, networkFaults, ownerFaults, serverFaults } from './fault-schedule.js';

const minute = 60_000;

test('the same seed draws the same faults', () => {
  expect(drawFaults(7, minute)).toEqual(drawFaults(7, minute));
});

test('another seed draws other faults', () => {
  expect(drawFaults(7, minute)).not.toEqual(drawFaults(8, minute));
});

test('a longer run begins with the same faults', () => {
  const short = drawFaults(7, minute);
  const begun = drawFaults(7, 10 * minute).filter(({ atMs, durationMs }) => atMs + durationMs < minute);
  expect(begun).toEqual(short);
});

test.each([1, 2, 3, 4, 5])(
  'a minute of seed %i has faults of every kind, ordered by time, that end before the minute does',
  (seed) => {
    const drawn = drawFaults(seed, minute);
    const kinds = new Set(drawn.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual([...networkFaults, ...serverFaults, ...ownerFaults].sort());
    expect(drawn.map(({ atMs }) => atMs)).toEqual(drawn.map(({ atMs }) => atMs).sort((left, right) => left - right));
    expect(drawn.every(({ atMs, durationMs }) => atMs + durationMs < minute)).toBe(true);
  },
);

test('the same seed plans the same calls, and assigns each to one process', () => {
  const run = { seed: 7, keys: 50, durationMs: minute, workers: 3 };
  const planned = [0, 1, 2].map((worker) => planCalls(run, worker));
  expect([0, 1, 2].map((worker) => planCalls(run, worker))).toEqual(planned);
  expect(planCalls({ ...run, seed: 8 }, 0)).not.toEqual(planned[0]);
  expect(new Set(planned.flat().map(({ key }) => key)).size).toBe(50);
});
