// What the report says of latency: added to the bare app, and at a fixed rate of arrivals.
import { describe, expect, test } from 'vitest';
import { addedRatioOf } from '../../bench/report/figures.js';
import { openTables, singleTable } from '../../bench/report/latency-tables.js';
import { garbageRatio, targetsOf } from '../../bench/report/targets.js';
import { sliceWith } from './slice-builder.js';

const single = [
  { bare: 1, limit: 1.5, ours: 2 },
  { bare: 2, limit: 1.9, ours: 3.1 },
  { bare: 1.1, limit: 1.7, ours: 1.6 },
].flatMap(({ bare, limit, ours }, round) => [
  sliceWith({ row: 'bare', load: 'single', round, p50Ms: bare }),
  sliceWith({ row: 'limit', load: 'single', round, p50Ms: limit }),
  sliceWith({ row: 'onceguard-redis', load: 'single', round, p50Ms: ours }),
]);

test('What a row adds is taken within a round, and divided by the median of what the limit adds', () => {
  const cell = { row: 'onceguard-redis', load: 'single' };
  const ratio = addedRatioOf(single, cell, { base: 'bare', to: 'limit', metric: 'p50Ms' });
  // The limit adds 0.5, -0.1 and 0.6; onceguard 1, 1.1 and 0.5.
  expect(ratio?.median).toBeCloseTo(2, 10);
  expect(ratio?.high).toBeCloseTo(2.1, 10);
});

test('The table of single requests has a line for each row, and nothing added for the bare app', () => {
  const table = singleTable({ slices: single });
  expect(table?.rows.map(([title, , added]) => [title, added])).toEqual([
    ['bare Express', ''],
    ['the limit: SET NX, SET', '0.500'],
    ['onceguard, Redis', '1.000'],
  ]);
  expect(singleTable({ slices: [] })).toBeNull();
});

describe('In an open loop', () => {
  const open = (row: string, perSecond: number, p99Ms: number) =>
    sliceWith({ row, load: 'open-50', perSecond, duePerSecond: 1_000, p99Ms });
  const tails = [{ row: 'limit', load: 'open-50', requests: 5_000, p999Ms: 42.4 }];

  test('a row that serves less than is due is full, and has no latencies', () => {
    const slices = [open('limit', 1_000, 10), open('onceguard-redis', 900, 500)];
    const [table] = openTables({ slices, tails });
    expect(table?.rows.map((cells) => cells.slice(3, 7))).toEqual([
      ['10.00', '10.00', '1.00 (1.00–1.00)', '42.4'],
      ['full', '', '', ''],
    ]);
  });

  test.each([
    { limitServes: 1_000, expected: 2 },
    { limitServes: 500, expected: undefined },
  ])('the target is judged if the limit is not full: $limitServes of 1000 served', ({ limitServes, expected }) => {
    const slices = [open('limit', limitServes, 10), open('onceguard-redis', 1_000, 20)];
    const target = targetsOf({ ...results, slices }, null, null).find(({ what }) => what.startsWith('open loop'));
    expect(target?.measured?.median).toBe(expected);
  });
});

const results = {
  ...{ measuredAt: '', machine: '', versions: {}, rounds: 1, sliceMs: 1 },
  ...{ rows: [], bytesPerRecord: {}, slices: [] },
};

test('Garbage is compared measurement by measurement, and not at all where there is none', () => {
  const rowWith = (row: string, garbageBytes?: readonly number[]) => ({
    ...{ row, failure: null, peakRssBytes: 0 },
    ...(garbageBytes && { garbageBytes }),
  });
  const rows = [rowWith('limit', [10, 20]), rowWith('onceguard-redis', [30, 40]), rowWith('powertools')];
  expect(garbageRatio({ rows }, 'onceguard-redis', 'limit')).toEqual({ median: 2.5, low: 2.25, high: 2.75 });
  expect(garbageRatio({ rows }, 'powertools', 'limit')).toBeNull();
});
