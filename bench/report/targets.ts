// The performance targets, and the measurements for them.
import { rows } from '../rows.js';
import { figureOf, type Metric, ratioOf } from './figures.js';
import type { GrowthResults, MainResults } from './results.js';
import { type Spread, spread } from './statistics.js';
import type { Table } from './tables.js';

export interface Target {
  readonly what: string;
  /** Whether more or less is better. */
  readonly wants: 'more' | 'less';
  readonly must: number;
  readonly goal: number | null;
  readonly measured: Spread | null;
}

const onceguardRow = 'onceguard-redis';
const localCacheRow = 'onceguard-local-cache';
const peers = rows.filter(({ kind }) => kind === 'peer').map(({ name }) => name);

export function targetsOf(main: MainResults, growth: GrowthResults | null): Target[] {
  const { slices, bytesPerRecord } = main;
  const ratio = (row: string, load: string, to: string, metric: Metric) => ratioOf(slices, { row, load }, to, metric);
  const cost = (row: string, load: string, metric: Metric) => figureOf(slices, { row, load }, metric);
  const commands = (row: string, load: string) => roundToHundredths(cost(row, load, 'redisCommands'));
  const more = (what: string, must: number, goal: number | null, measured: Spread | null): Target => {
    return { what, wants: 'more', must, goal, measured };
  };
  const less = (what: string, must: number, goal: number | null, measured: Spread | null): Target => {
    return { what, wants: 'less', must, goal, measured };
  };
  return [
    less('fresh, Redis: CPU per request ÷ the limit’s', 1.25, 1.1, ratio(onceguardRow, 'fresh', 'limit', 'cpuMicros')),
    more('fresh, Redis: requests/s ÷ the limit’s', 0.85, 0.95, ratio(onceguardRow, 'fresh', 'limit', 'perSecond')),
    more('replay, Redis: requests/s ÷ the limit’s', 0.85, 0.95, ratio(onceguardRow, 'replay', 'limit', 'perSecond')),
    more('replay, local cache: requests/s ÷ bare', 0.9, 1, ratio(localCacheRow, 'replay', 'bare', 'perSecond')),
    ...peers.flatMap((peer) => [
      more(`fresh: requests/s ÷ ${peer}`, 1, 1.2, ratio(onceguardRow, 'fresh', peer, 'perSecond')),
      less(`fresh: CPU per request ÷ ${peer}`, 1, 1 / 1.2, ratio(onceguardRow, 'fresh', peer, 'cpuMicros')),
      more(`replay: requests/s ÷ ${peer}`, 1, 1.2, ratio(onceguardRow, 'replay', peer, 'perSecond')),
      less(`replay: CPU per request ÷ ${peer}`, 1, 1 / 1.2, ratio(onceguardRow, 'replay', peer, 'cpuMicros')),
    ]),
    less('Redis commands, fresh', 2, null, commands(onceguardRow, 'fresh')),
    less('Redis commands, replay', 1, null, commands(onceguardRow, 'replay')),
    less('Redis commands, replay from the local cache', 0, null, commands(localCacheRow, 'replay')),
    less('Redis µs per fresh request', 20, 10, cost(onceguardRow, 'fresh', 'redisMicros')),
    less('Redis µs per replay', 8, 4, cost(onceguardRow, 'replay', 'redisMicros')),
    less('Redis bytes per completed record beyond the body', 520, 300, exactSpread(bytesPerRecord[onceguardRow])),
    less('fresh: p99 ÷ the limit’s', 1.3, 1.1, ratio(onceguardRow, 'fresh', 'limit', 'p99Ms')),
    less('replay: p99 ÷ the limit’s', 1.3, 1.1, ratio(onceguardRow, 'replay', 'limit', 'p99Ms')),
    ...['onceguard-memory', onceguardRow].map((row) => {
      return less(`memory growth, bytes per request, ${row}`, maxGrowth, null, memoryGrowth(growth, row));
    }),
    more('without a key: requests/s ÷ bare', 0.97, 0.99, ratio(onceguardRow, 'no-key', 'bare', 'perSecond')),
  ];
}

/** Redis counts commands of all connections, including other rows' keep-alive commands every few seconds. */
function roundToHundredths(measured: Spread | null): Spread | null {
  if (measured === null) return null;
  const rounded = (value: number) => Math.round(value * 100) / 100;
  const { low, median, high } = measured;
  return { low: rounded(low), median: rounded(median), high: rounded(high) };
}

/** A megabyte in a million requests; a leak of one object per request would be thirty times that. */
const maxGrowth = 1;

/**
 * The bytes that a request leaves behind, between each two points of the run: a single point is off by megabytes either
 * way.
 */
export function memoryGrowth(growth: Pick<GrowthResults, 'memory'> | null, row: string): Spread | null {
  const points = growth?.memory.filter((point) => point.row === row) ?? [];
  return spread(
    points.flatMap((from, at) =>
      points.slice(at + 1).map((to) => (to.liveBytes - from.liveBytes) / (to.requests - from.requests)),
    ),
  );
}

/**
 * `missed` only if most rounds missed the target: if the better quartile reaches it and the median does not, the
 * difference is within the noise of the run.
 */
export function verdictOf({ wants, must, goal, measured }: Target): 'goal' | 'must' | 'noise' | 'missed' | 'unknown' {
  if (measured === null) return 'unknown';
  const reaches = (value: number, bound: number) => (wants === 'more' ? value >= bound : value <= bound);
  const better = wants === 'more' ? measured.high : measured.low;
  if (reaches(measured.median, goal ?? must)) return 'goal';
  if (reaches(measured.median, must)) return 'must';
  return reaches(better, must) ? 'noise' : 'missed';
}

const verdictTexts = {
  goal: 'reached',
  must: 'must reached',
  noise: 'missed, within the noise',
  missed: '**missed**',
  unknown: 'not measured',
};

export function targetTable(targets: readonly Target[]): Table {
  return {
    title: 'what it has to reach',
    head: ['', 'must', 'goal', 'measured', 'quartiles', ''],
    rows: targets.map((target) => {
      const sign = target.wants === 'more' ? '≥' : '≤';
      const bound = (value: number | null) => (value === null ? '' : `${sign} ${number(value)}`);
      const { measured } = target;
      const quartiles = measured === null ? '' : `${number(measured.low)}–${number(measured.high)}`;
      return [
        ...[target.what, bound(target.must), bound(target.goal)],
        ...[measured === null ? '' : number(measured.median), quartiles, verdictTexts[verdictOf(target)]],
      ];
    }),
  };
}

function exactSpread(value: number | undefined): Spread | null {
  return value === undefined ? null : { median: value, low: value, high: value };
}

/** Two decimals, unless the number is whole. */
function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toFixed(2)));
}
