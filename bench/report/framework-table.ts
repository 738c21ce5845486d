// What each adapter adds to its framework, beside what the Express adapter adds to Express.
import { type FrameworkName, frameworkNames } from '../framework-rows.js';
import type { Slice } from '../run/slice.js';
import { differenceOf, ratioOf } from './figures.js';
import { type Spread, spread } from './statistics.js';
import type { Table } from './tables.js';

const loads = [
  ['fresh', 'fresh'],
  ['replay', 'replays'],
] as const;

/** CPU that the adapter adds to a request, divided by what Express' adds in the same round. Null: it was not measured. */
function addedToExpress(slices: readonly Slice[], framework: FrameworkName, load: string): Spread | null {
  const express = addedByRound(slices, 'express', load);
  const ratios = [...addedByRound(slices, framework, load)].flatMap(([round, added]) => {
    const other = express.get(round);
    return other === undefined || other <= 0 ? [] : [added / other];
  });
  return spread(ratios);
}

export function frameworkTable(slices: readonly Slice[]): Table {
  const lines = loads.flatMap(([load, title]) =>
    frameworkNames.map((framework) => {
      const cell = { row: `${framework}-guarded`, load };
      const bare = `${framework}-bare`;
      return [
        `${framework}, ${title}`,
        figure(ratioOf(slices, cell, bare, 'perSecond'), 2),
        figure(ratioOf(slices, cell, bare, 'cpuMicros'), 2),
        figure(spread([...addedByRound(slices, framework, load).values()]), 0),
        figure(addedToExpress(slices, framework, load), 2),
      ];
    }),
  );
  const head = ['framework', 'requests/s ÷ bare', 'CPU ÷ bare', 'CPU µs added', '÷ added by Express'];
  return { title: 'frameworks', head, rows: lines };
}

function addedByRound(slices: readonly Slice[], framework: FrameworkName, load: string): Map<number, number> {
  return differenceOf(slices, { row: `${framework}-guarded`, load }, `${framework}-bare`, 'cpuMicros');
}

function figure(found: Spread | null, digits: number): string {
  if (found === null) return '';
  const { median, low, high } = found;
  return `${median.toFixed(digits)} (${low.toFixed(digits)}–${high.toFixed(digits)})`;
}
