// The figures of a run as tables: for a terminal and for a document.
import { type Load, throughputLoads } from '../loads.js';
import { rows } from '../rows.js';
import { figureOf, firstFailure, ratioOf } from './figures.js';
import type { BodyCost, MainResults } from './results.js';
import type { Spread } from './statistics.js';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const head = [
  'row',
  ...['requests/s', '÷ bare', '÷ limit'],
  ...['CPU µs', '÷ bare', '÷ limit'],
  ...['p50 ms', 'p99 ms', '÷ limit'],
  ...['Redis commands', 'Redis µs'],
  'correct',
];

/** For all loads that were measured and that show how much a row can do. */
export function mainTables(results: Pick<MainResults, 'slices' | 'rows'>): Table[] {
  return throughputLoads.flatMap((load) => {
    const measured = rows.filter(({ name }) => figureOf(results.slices, { row: name, load: load.name }, 'perSecond'));
    if (measured.length === 0) return [];
    return [{ title: load.title, head, rows: measured.map((row) => lineOf(results, load, row)) }];
  });
}

const summaryHead = [
  'row',
  ...['fresh requests/s', '÷ bare', 'CPU ÷ bare', 'Redis commands'],
  ...['replays/s', '÷ bare', 'CPU ÷ bare', 'Redis commands'],
  'duplicates run once',
];

/** The medians of fresh requests and of replays, and whether duplicates at once did the work once; a line for each row. */
export function summaryTable({ slices }: Pick<MainResults, 'slices'>): Table {
  const runsOnce = (row: string) => {
    const cell = { row, load: 'duplicates' };
    if (figureOf(slices, cell, 'perSecond') === null) return '';
    return firstFailure(slices, cell) === null ? 'yes' : '**no**';
  };
  const cellsOf = (row: string, load: string) => {
    const cell = { row, load };
    return [
      value(figureOf(slices, cell, 'perSecond'), 0),
      value(ratioOf(slices, cell, 'bare', 'perSecond'), 2),
      value(ratioOf(slices, cell, 'bare', 'cpuMicros'), 2),
      value(figureOf(slices, cell, 'redisCommands'), 0),
    ];
  };
  const measured = rows.filter(({ name }) => figureOf(slices, { row: name, load: 'fresh' }, 'perSecond'));
  const lines = measured.map(({ name, title, kind }) => {
    const cells = [title, ...cellsOf(name, 'fresh'), ...cellsOf(name, 'replay')];
    return [...cells, kind === 'bare' ? '' : runsOnce(name)];
  });
  return { title: 'summary', head: summaryHead, rows: lines };
}

export function bodyTable(bodies: readonly BodyCost[]): Table {
  const lines = bodies.map(({ shape, parseMs, canonicalMs }) => {
    return [shape, String(parseMs), String(canonicalMs), (canonicalMs / parseMs).toFixed(2)];
  });
  const first = `a megabyte of (on Node ${bodies[0]?.node})`;
  return { title: 'bodies', head: [first, 'JSON.parse ms', 'canonical form ms', 'ratio'], rows: lines };
}

type Named = (typeof rows)[number];

function lineOf({ slices, rows: judged }: Pick<MainResults, 'slices' | 'rows'>, load: Load, row: Named): string[] {
  const cell = { row: row.name, load: load.name };
  const to = (other: string, metric: 'perSecond' | 'cpuMicros' | 'p99Ms') =>
    range(ratioOf(slices, cell, other, metric));
  const failure = judged.find((one) => one.row === row.name)?.failure ?? firstFailure(slices, cell);
  return [
    row.title,
    ...[value(figureOf(slices, cell, 'perSecond'), 0), to('bare', 'perSecond'), to('limit', 'perSecond')],
    ...[value(figureOf(slices, cell, 'cpuMicros'), 0), to('bare', 'cpuMicros'), to('limit', 'cpuMicros')],
    ...[value(figureOf(slices, cell, 'p50Ms'), 1), value(figureOf(slices, cell, 'p99Ms'), 1), to('limit', 'p99Ms')],
    ...[value(figureOf(slices, cell, 'redisCommands'), 2), value(figureOf(slices, cell, 'redisMicros'), 1)],
    row.kind === 'bare' ? '' : failure === null ? 'yes' : `**no**: ${failure}`,
  ];
}

/** The median, and both quartiles. */
export function range(spread: Spread | null): string {
  if (spread === null) return '';
  const { median, low, high } = spread;
  return `${median.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;
}

export function value(spread: Spread | null, digits: number): string {
  return spread === null ? '' : spread.median.toFixed(digits);
}

export function asText({ title, head, rows }: Table): string {
  const widths = head.map((cell, at) => Math.max(cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]) => {
    return cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ');
  };
  return [`\n── ${title}`, line(head), ...rows.map(line)].map((one) => one.trimEnd()).join('\n');
}

export function asMarkdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map((_, at) => (at === 0 ? '---' : '--:')).join('|')}|`, ...rows.map(line)].join('\n');
}
