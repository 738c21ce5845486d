// What the benchmark computes from its measurements: medians, quartiles, ratios within a round.
import { describe, expect, test } from 'vitest';
import { figureOf, firstFailure, ratioOf } from '../../bench/report/figures.js';
import { quantile, spread } from '../../bench/report/statistics.js';
import { sliceWith } from './slice-builder.js';

describe('A spread', () => {
  test.each([
    [[5], { median: 5, low: 5, high: 5 }],
    [[4, 2], { median: 3, low: 2.5, high: 3.5 }],
    [[5, 1, 4, 2, 3], { median: 3, low: 2, high: 4 }],
    [[10, 9, 100], { median: 10, low: 9.5, high: 55 }],
  ])('of %j has the median and the quartiles %j, whatever the order', (values, expected) => {
    expect(spread(values)).toEqual(expected);
  });

  test('of nothing is null', () => {
    expect(spread([])).toBeNull();
  });

  test('does not change the measurements', () => {
    const values = [3, 1, 2];
    spread(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test.each([
  [0, 1],
  [0.5, 2.5],
  [0.99, 3.97],
  [1, 4],
])('The quantile %d of 1 to 4 is %d', (share, expected) => {
  expect(quantile(Float64Array.of(1, 2, 3, 4), share)).toBeCloseTo(expected, 10);
});

describe('A ratio', () => {
  const slices = [
    sliceWith({ row: 'bare', round: 0, perSecond: 100 }),
    sliceWith({ row: 'limit', round: 0, perSecond: 90 }),
    sliceWith({ row: 'bare', round: 1, perSecond: 10 }),
    sliceWith({ row: 'limit', round: 1, perSecond: 8 }),
    sliceWith({ row: 'limit', round: 2, perSecond: 1_000 }),
    sliceWith({ row: 'limit', round: 0, perSecond: 1, load: 'replay' }),
    sliceWith({ row: 'limit', round: 0, perSecond: 1, at: 7 }),
  ];

  test('is of two measurements of one round, and of nothing that was measured once', () => {
    const ratio = ratioOf(slices, { row: 'limit', load: 'fresh' }, 'bare', 'perSecond');
    expect(ratio?.low).toBeCloseTo(0.825, 10);
    expect(ratio?.median).toBeCloseTo(0.85, 10);
    expect(ratio?.high).toBeCloseTo(0.875, 10);
  });

  test('to what was never measured is null', () => {
    expect(ratioOf(slices, { row: 'limit', load: 'fresh' }, 'powertools', 'perSecond')).toBeNull();
  });

  test('does not divide by zero', () => {
    const none = [sliceWith({ row: 'bare', round: 0 }), sliceWith({ row: 'limit', round: 0, redisMicros: 3 })];
    expect(ratioOf(none, { row: 'limit', load: 'fresh' }, 'bare', 'redisMicros')).toBeNull();
  });

  test('A figure is of one point of a growth chart, or of none', () => {
    expect(figureOf(slices, { row: 'limit', load: 'fresh', at: 7 }, 'perSecond')?.median).toBe(1);
    expect(figureOf(slices, { row: 'limit', load: 'fresh' }, 'perSecond')?.median).toBe(90);
  });
});

test('A failure in one round fails the whole cell', () => {
  const slices = [
    sliceWith({ row: 'limit', round: 0 }),
    sliceWith({ row: 'limit', round: 1, wrong: 'answered 500 3 times' }),
  ];
  expect(firstFailure(slices, { row: 'limit', load: 'fresh' })).toBe('answered 500 3 times');
  expect(firstFailure(slices.slice(0, 1), { row: 'limit', load: 'fresh' })).toBeNull();
});
