// How long requests take where a server is not full: one at a time, and at fixed rates of arrival.
import { loads } from '../loads.js';
import { rows } from '../rows.js';
import type { Slice } from '../run/slice.js';
import { addedRatioOf, type Cell, differenceOf, figureOf, type Metric, ratioOf, servedShareOf } from './figures.js';
import type { MainResults } from './results.js';
import { type Spread, spread } from './statistics.js';
import { range, type Table, value } from './tables.js';

const minServedShare = 0.95;

const singleHead = ['row', 'p50 ms', 'added ms', '÷ added by the limit', 'p99 ms', 'CPU µs'];

/** One request at a time: what a row adds to the bare app. Null if it was not measured. */
export function singleTable({ slices }: Pick<MainResults, 'slices'>): Table | null {
  const load = 'single';
  const lines = rows.flatMap(({ name, title, kind }) => {
    const cell = { row: name, load };
    if (figureOf(slices, cell, 'p50Ms') === null) return [];
    const added = spread([...differenceOf(slices, cell, 'bare', 'p50Ms').values()]);
    const figure = (metric: Metric, digits: number) => value(figureOf(slices, cell, metric), digits);
    const addedCells = kind === 'bare' ? ['', ''] : [value(added, 3), range(addedByLimit(slices, cell))];
    return [[title, figure('p50Ms', 3), ...addedCells, figure('p99Ms', 2), figure('cpuMicros', 0)]];
  });
  return lines.length === 0 ? null : { title: 'one request at a time', head: singleHead, rows: lines };
}

export function addedByLimit(slices: readonly Slice[], cell: Cell): Spread | null {
  return addedRatioOf(slices, cell, { base: 'bare', to: 'limit', metric: 'p50Ms' });
}

/** Whether a row served less of an open loop than was due: its latencies would be longer still in a longer measurement. */
export function isFull(slices: readonly Slice[], cell: Cell): boolean {
  return (servedShareOf(slices, cell)?.median ?? 1) < minServedShare;
}

const openHead = ['row', 'due/s', 'served/s', 'p50 ms', 'p99 ms', '÷ limit', 'p99.9 ms', 'CPU µs'];

/** One table for each rate that was measured. */
export function openTables({ slices, tails }: Pick<MainResults, 'slices' | 'tails'>): Table[] {
  return loads.flatMap((load) => {
    const measured = rows.filter(({ name }) => figureOf(slices, { row: name, load: load.name }, 'p50Ms'));
    if (load.arrivalShare === undefined || measured.length === 0) return [];
    const lines = measured.map(({ name, title }) => {
      const cell = { row: name, load: load.name };
      const figure = (metric: Metric, digits: number) => value(figureOf(slices, cell, metric), digits);
      const rates = [figure('duePerSecond', 0), figure('perSecond', 0)];
      if (isFull(slices, cell)) {
        return [title, ...rates, 'full', '', '', '', figure('cpuMicros', 0)];
      }
      const p999 = tails?.find((tail) => tail.row === name && tail.load === load.name)?.p999Ms;
      const times = [figure('p50Ms', 2), figure('p99Ms', 2), range(ratioOf(slices, cell, 'limit', 'p99Ms'))];
      return [title, ...rates, ...times, p999 === undefined ? '' : p999.toFixed(1), figure('cpuMicros', 0)];
    });
    return [{ title: load.title, head: openHead, rows: lines }];
  });
}
