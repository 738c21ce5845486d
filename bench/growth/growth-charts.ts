// The growth charts: what each varies, and what it draws.
import type { Metric } from '../report/figures.js';

export interface GrowthChart {
  readonly name: string;
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly metric: Metric;
  /** Each from the slices of one load, which names the experiment and what was sent. */
  readonly lines: readonly GrowthLine[];
}

export interface GrowthLine {
  readonly load: string;
  readonly row: string;
  readonly label: string;
  /** Distinguishes it from another line of the same or a similar row. */
  readonly dashed?: boolean;
}

const comparedRows = [
  { row: 'bare', label: 'bare' },
  { row: 'limit', label: 'the limit' },
  { row: 'onceguard-redis', label: 'onceguard' },
];

function freshAndReplay(experiment: string): GrowthChart['lines'] {
  return ['fresh', 'replay'].flatMap((sent) =>
    comparedRows.map(({ row, label }) => {
      return { load: `${experiment}: ${sent}`, row, label: `${label}, ${sent}`, dashed: sent === 'replay' };
    }),
  );
}

export const growthCharts: readonly GrowthChart[] = [
  {
    name: 'connections',
    title: 'Connections',
    xTitle: 'open connections, each with one request under way',
    yTitle: 'server CPU µs per request',
    metric: 'cpuMicros',
    lines: freshAndReplay('connections'),
  },
  {
    name: 'body',
    title: 'Body size',
    xTitle: 'bytes in the request, and again in its answer',
    yTitle: 'server CPU µs per request',
    metric: 'cpuMicros',
    lines: freshAndReplay('body'),
  },
  {
    name: 'records',
    title: 'Stored keys',
    xTitle: 'completed records in Redis',
    yTitle: 'Redis µs per request',
    metric: 'redisMicros',
    lines: freshAndReplay('records').filter(({ row }) => row !== 'bare'),
  },
  {
    name: 'duplicates',
    title: 'Duplicates at once',
    xTitle: 'requests with the same key at the same time',
    yTitle: 'server CPU µs per answer',
    metric: 'cpuMicros',
    lines: [
      { load: 'duplicates', row: 'limit', label: 'the limit: told to come back' },
      { load: 'duplicates', row: 'onceguard-redis', label: 'onceguard: told to come back' },
      { load: 'duplicates', row: 'onceguard-waiting', label: 'onceguard: wait for the answer', dashed: true },
    ],
  },
  {
    name: 'processes',
    title: 'Server processes',
    xTitle: 'processes on one Redis',
    yTitle: 'fresh requests/s, all together',
    metric: 'perSecond',
    lines: comparedRows.map(({ row, label }) => ({ load: 'processes', row, label })),
  },
  {
    name: 'shards',
    title: 'Shards of a Redis Cluster',
    xTitle: 'masters',
    yTitle: 'server CPU µs per request',
    metric: 'cpuMicros',
    lines: ['fresh', 'replay'].map((sent) => ({
      load: `shards: ${sent}`,
      row: 'onceguard-redis',
      label: sent,
      dashed: sent === 'replay',
    })),
  },
];
