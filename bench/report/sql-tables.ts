// The figures of the stores on SQL as tables.
import { type SqlLoad, type SqlSlice, type SqlWeight, sqlLoads } from '../sql/sql-run.js';
import type { SqlResults } from './results.js';
import { type Spread, spread } from './statistics.js';
import type { Table } from './tables.js';

type Metric = 'perSecond' | 'cpuMicros' | 'p50Ms' | 'p99Ms';

/** One table for each load, and one of what noise cannot touch. */
export function sqlTables({ slices, weights }: Pick<SqlResults, 'slices' | 'weights'>): Table[] {
  return [...sqlLoads.map((load) => loadTable(load, slices, weights)), weightTable(weights)];
}

const loadHead = ['row', 'requests/s', 'time ÷ by hand', 'CPU µs', '÷ by hand', 'p50 ms', 'p99 ms'];

function loadTable({ name }: SqlLoad, slices: readonly SqlSlice[], weights: readonly SqlWeight[]): Table {
  const ofLoad = slices.filter(({ load }) => load === name);
  const rows = weights.flatMap(({ row, reference }) => {
    const own = ofLoad.filter((slice) => slice.row === row);
    if (own.length === 0) return [];
    const others = ofLoad.filter((slice) => slice.row === reference);
    const figure = (metric: Metric, digits: number) => median(spread(own.map((slice) => slice[metric])), digits);
    return [
      [
        row,
        figure('perSecond', 0),
        ratio(ratios(own, others, (slice) => 1 / slice.perSecond)),
        figure('cpuMicros', 0),
        ratio(ratios(own, others, ({ cpuMicros }) => cpuMicros)),
        figure('p50Ms', 2),
        figure('p99Ms', 2),
      ],
    ];
  });
  return { title: name, head: loadHead, rows };
}

/** Each divided by that of the reference in the same round. */
function ratios(own: readonly SqlSlice[], others: readonly SqlSlice[], cost: (slice: SqlSlice) => number): number[] {
  return own.flatMap((slice) => {
    const other = others.find(({ round }) => round === slice.round);
    return other === undefined ? [] : [cost(slice) / cost(other)];
  });
}

function weightTable(weights: readonly SqlWeight[]): Table {
  const head = ['row', 'round trips, fresh', 'round trips, replay', 'WAL bytes, fresh', 'bytes of a record'];
  const rows = weights.map(({ row, freshRoundTrips, replayRoundTrips, walBytes, recordBytes }) => [
    row,
    rounded(freshRoundTrips),
    rounded(replayRoundTrips),
    rounded(walBytes),
    rounded(recordBytes),
  ]);
  return { title: 'what noise cannot touch', head, rows };
}

function rounded(value: number | null): string {
  return value === null ? '' : String(Math.round(value));
}

function median(found: Spread | null, digits: number): string {
  return found === null ? '' : found.median.toFixed(digits);
}

function ratio(values: readonly number[]): string {
  const found = spread(values);
  if (found === null) return '';
  const { median: middle, low, high } = found;
  return `${middle.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

/** A sentence for each fact of the run with purges. */
export function bloatPart({ bloat }: SqlResults): string {
  if (bloat === undefined) return '';
  const { measuredAt, records, hours, hoursKept, deleted, points } = bloat;
  const lines = points.map(({ hour, live, tableBytes, indexBytes, deadRows }) => {
    const each = Math.round((tableBytes + indexBytes) / live);
    return [hour, live, mebibytes(tableBytes), mebibytes(indexBytes), each, deadRows].map(String);
  });
  const head = ['after hour', 'records', 'tables MiB', 'indexes MiB', 'bytes each', 'dead rows'];
  const table = [head, head.map(() => '--:'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  const text =
    `${count(records)} records in ${hours} hours of a moved clock, each kept for ${hoursKept} hours; a purge each hour deleted ` +
    `${count(deleted)} of them. Autovacuum was on and looked each second, as an hour took seconds. Measured ${measuredAt} on the same machine, beside other work.`;
  return `${text}\n\n${table}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

function count(value: number): string {
  return value.toLocaleString('en');
}
