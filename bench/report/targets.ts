// The performance targets, and the measurements for them.
import { rows } from '../rows.js';
import type { Slice } from '../run/slice.js';
import { figureOf, type Metric, ratioOf } from './figures.js';
import { addedByLimit, isFull } from './latency-tables.js';
import type { GrowthResults, MainResults, TelemetryResults } from './results.js';
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

export function targetsOf(
  main: MainResults,
  growth: GrowthResults | null,
  telemetry: TelemetryResults | null,
): Target[] {
  const { slices } = main;
  const ratio = (row: string, load: string, to: string, metric: Metric) => ratioOf(slices, { row, load }, to, metric);
  const ours = (load: string, to: string, metric: Metric) => ratio(onceguardRow, load, to, metric);
  const limitIsFull = isFull(slices, { row: 'limit', load: 'open-50' });
  return [
    less('fresh, Redis: CPU per request ÷ the limit’s', 1.5, 1.25, ours('fresh', 'limit', 'cpuMicros')),
    more('fresh, Redis: requests/s ÷ the limit’s', 0.75, 0.9, ours('fresh', 'limit', 'perSecond')),
    less('fresh: CPU per request ÷ 80 lines of Lua', 1.2, 1, ours('fresh', 'by-hand', 'cpuMicros')),
    ...peers.flatMap((peer) => peerTargets(peer, ours)),
    telemetryTarget(telemetry?.slices ?? []),
    less('replay, Redis: CPU per request ÷ the limit’s GET', 1.3, 1.1, ours('replay', 'limit', 'cpuMicros')),
    more('replay, Redis: requests/s ÷ the limit’s', 0.85, 0.95, ours('replay', 'limit', 'perSecond')),
    more('replay, local cache: requests/s ÷ bare', 0.95, 1.1, ratio(localCacheRow, 'replay', 'bare', 'perSecond')),
    less(
      'one at a time: added p50 ÷ added by the limit',
      1.5,
      1.2,
      addedByLimit(slices, { row: onceguardRow, load: 'single' }),
    ),
    less('open loop at 50 %: p99 ÷ the limit’s', 1.3, 1.1, limitIsFull ? null : ours('open-50', 'limit', 'p99Ms')),
    less('Redis time per fresh request ÷ two commands', 5, 2, ours('fresh', 'limit', 'redisMicros')),
    less('Redis time per replay ÷ one GET', 4, 1.5, ours('replay', 'limit', 'redisMicros')),
    less('garbage per fresh request ÷ the limit’s', 2, 1.5, garbageRatio(main, onceguardRow, 'limit')),
    more('without a key: requests/s ÷ bare', 0.98, 1, ours('no-key', 'bare', 'perSecond')),
    ...countedTargets(main),
    ...['onceguard-memory', onceguardRow].map((row) => {
      return less(`memory growth, bytes per request, ${row}`, maxGrowth, null, memoryGrowth(growth, row));
    }),
  ];
}

/** Their run is one of its own. */
export const telemetryRows = [onceguardRow, 'onceguard-opentelemetry'] as const;

export function telemetryTarget(slices: readonly Slice[]): Target {
  const cell = { row: telemetryRows[1], load: 'fresh' };
  const measured = ratioOf(slices, cell, onceguardRow, 'cpuMicros');
  return less('fresh: CPU per request with OpenTelemetry ÷ without', 1.15, null, measured);
}

/** A ratio of onceguard's figure under a load and that of another row. */
type OurRatio = (load: string, to: string, metric: Metric) => Spread | null;

function peerTargets(peer: string, ours: OurRatio): Target[] {
  return [
    more(`fresh: requests/s ÷ ${peer}`, 1, 1.2, ours('fresh', peer, 'perSecond')),
    less(`fresh: CPU per request ÷ ${peer}`, 1, 1 / 1.2, ours('fresh', peer, 'cpuMicros')),
    more(`replay: requests/s ÷ ${peer}`, 1, 1.2, ours('replay', peer, 'perSecond')),
    less(`replay: CPU per request ÷ ${peer}`, 1, 1 / 1.2, ours('replay', peer, 'cpuMicros')),
  ];
}

/** What noise cannot touch. */
function countedTargets({ slices, bytesPerRecord }: MainResults): Target[] {
  const commands = (row: string, load: string) => {
    return roundToHundredths(figureOf(slices, { row, load }, 'redisCommands'));
  };
  return [
    less('Redis commands, fresh', 2, null, commands(onceguardRow, 'fresh')),
    less('Redis commands, replay', 1, null, commands(onceguardRow, 'replay')),
    less('Redis commands, replay from the local cache', 0, null, commands(localCacheRow, 'replay')),
    less('Redis bytes per completed record beyond the body', 640, 300, exactSpread(bytesPerRecord[onceguardRow])),
  ];
}

function more(what: string, must: number, goal: number | null, measured: Spread | null): Target {
  return { what, wants: 'more', must, goal, measured };
}

function less(what: string, must: number, goal: number | null, measured: Spread | null): Target {
  return { what, wants: 'less', must, goal, measured };
}

/** Of each measurement of the row and the same one of the other. */
export function garbageRatio({ rows: measured }: Pick<MainResults, 'rows'>, row: string, to: string): Spread | null {
  const bytesOf = (name: string) => measured.find((one) => one.row === name)?.garbageBytes ?? [];
  const others = bytesOf(to);
  return spread(bytesOf(row).flatMap((bytes, at) => (others[at] === undefined ? [] : [bytes / others[at]])));
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
