// The main figures on each version of Node that was measured.
import { figureOf, ratioOf } from './figures.js';
import type { MainResults } from './results.js';
import { spread } from './statistics.js';
import { range, type Table, value } from './tables.js';

const head = [
  'Node',
  ...['fresh: CPU µs', 'CPU ÷ limit', 'requests/s ÷ limit'],
  ...['replay: CPU ÷ limit', 'local cache: requests/s ÷ bare', 'garbage kB'],
];

/** A line for each run. Ratios compare rows of one run: absolute figures of two runs differ by what else the machine did. */
export function nodeTable(runs: readonly MainResults[]): Table {
  const lines = runs.map(({ versions, slices, rows }) => {
    const fresh = { row: 'onceguard-redis', load: 'fresh' };
    const replay = { row: 'onceguard-redis', load: 'replay' };
    const cached = { row: 'onceguard-local-cache', load: 'replay' };
    const garbage = rows.find(({ row }) => row === 'onceguard-redis')?.garbageBytes ?? [];
    return [
      versions.node ?? '',
      value(figureOf(slices, fresh, 'cpuMicros'), 0),
      range(ratioOf(slices, fresh, 'limit', 'cpuMicros')),
      range(ratioOf(slices, fresh, 'limit', 'perSecond')),
      range(ratioOf(slices, replay, 'limit', 'cpuMicros')),
      range(ratioOf(slices, cached, 'bare', 'perSecond')),
      value(spread(garbage.map((bytes) => bytes / 1_000)), 1),
    ];
  });
  return { title: 'versions of Node', head, rows: lines };
}
