// What the measured figures mean at a billion keys a day: one sentence for each growth chart.
import { figureOf, type Metric } from './figures.js';
import type { GrowthResults } from './results.js';

const keysPerDay = 1e9;
const keysPerSecond = keysPerDay / 86_400;
/** A usual size of a Redis that can still be moved, copied and saved in minutes. */
const shardGigabytes = 25;
const onceguardRow = 'onceguard-redis';

export type GrowthFigures = Pick<GrowthResults, 'slices' | 'bytesPerRecord' | 'memory'>;

/** By the name of the chart; without the sentences for which a measurement is missing. */
export function billionSentences(growth: GrowthFigures): Readonly<Record<string, string>> {
  const sentences = {
    connections: connections(growth),
    body: body(growth),
    records: records(growth),
    duplicates: duplicates(growth),
    processes: processes(growth),
    shards: shards(growth),
  };
  return Object.fromEntries(Object.entries(sentences).flatMap(([name, text]) => (text === null ? [] : [[name, text]])));
}

function connections({ slices }: GrowthFigures): string | null {
  const cpu = (row: string, at: number) => medianAt(slices, row, 'connections: fresh', at, 'cpuMicros');
  const [few, many, bare, busy] = [
    cpu(onceguardRow, 1),
    cpu(onceguardRow, 512),
    cpu('bare', 32),
    cpu(onceguardRow, 32),
  ];
  if (few === null || many === null || bare === null || busy === null) return null;
  return (
    `A fresh request costs the server ${micros(few)} on one connection and ${micros(many)} on 512. ` +
    `A billion fresh keys a day are ${whole(keysPerSecond)} a second on average. ` +
    `At 32 connections they use ${cores(busy)}, of which ${cores(busy - bare)} are for onceguard itself.`
  );
}

function body({ slices, bytesPerRecord }: GrowthFigures): string | null {
  const cpu = (at: number) => medianAt(slices, onceguardRow, 'body: fresh', at, 'cpuMicros');
  const overhead = bytesPerRecord.at(-1)?.bytes;
  const [small, large] = [cpu(2_000), cpu(200_000)];
  if (small === null || large === null || overhead === undefined) return null;
  return (
    `With responses of 2 kB that are kept for a day, a billion keys take ${gigabytes(2_000 + overhead)} in ` +
    `${shardsFor(2_000 + overhead)}, and ${cores(small)}. With 200 kB they would take ${gigabytes(200_000 + overhead)} and ` +
    `${cores(large)}: do not keep large responses, or keep them for a shorter time.`
  );
}

function records({ slices, bytesPerRecord }: GrowthFigures): string | null {
  const micro = (at: number) => medianAt(slices, onceguardRow, 'records: fresh', at, 'redisMicros');
  const [first, last] = [bytesPerRecord[0], bytesPerRecord.at(-1)];
  if (first === undefined || last === undefined) return null;
  const [few, many] = [micro(first.at), micro(last.at)];
  if (few === null || many === null) return null;
  const bytes = last.bytes + bodyBytes;
  return (
    `With ${whole(last.at)} records, one takes ${last.bytes} bytes beyond its body, and a fresh request takes ${micros(many)} of ` +
    `Redis (${micros(few)} with ${whole(first.at)}). A billion keys that live a day, with responses of ${bodyBytes} bytes, take ` +
    `${gigabytes(bytes)}: ${shardsFor(bytes)}.`
  );
}

const bodyBytes = 200;

function duplicates({ slices }: GrowthFigures): string | null {
  const cost = (row: string, metric: Metric) => medianAt(slices, row, 'duplicates', 32, metric);
  const [refused, waited, commands] = [
    cost(onceguardRow, 'cpuMicros'),
    cost('onceguard-waiting', 'cpuMicros'),
    cost('onceguard-waiting', 'redisCommands'),
  ];
  if (refused === null || waited === null || commands === null) return null;
  return (
    `Each of 32 duplicates at once costs the server ${micros(refused)} if it is refused, and ${micros(waited)} with ` +
    `${commands.toFixed(2)} Redis commands if it waits. If one key in a hundred of a billion a day came 32 times at once, the ` +
    `duplicates would use ${cores((refused * 31) / 100)}, or ${cores((waited * 31) / 100)} if they wait.`
  );
}

function processes({ slices }: GrowthFigures): string | null {
  const [one, micro] = [
    medianAt(slices, onceguardRow, 'processes', 1, 'perSecond'),
    medianAt(slices, onceguardRow, 'processes', 1, 'redisMicros'),
  ];
  const counts = slices.filter(({ row, load }) => row === onceguardRow && load === 'processes').map(({ at = 0 }) => at);
  const most = Math.max(...counts);
  const all = medianAt(slices, onceguardRow, 'processes', most, 'perSecond');
  if (one === null || micro === null || all === null) return null;
  return (
    `One process handles ${whole(one)} fresh requests a second here, and ${most} together handle ${whole(all)} on the cores that they ` +
    `share with Redis and the load. A billion keys a day need ${whole(Math.ceil(keysPerSecond / one))} such processes with a ` +
    `core each, and ${percent((keysPerSecond * micro) / 1e6)} of one Redis core for the commands.`
  );
}

function shards({ slices }: GrowthFigures): string | null {
  const micro = (at: number) => medianAt(slices, onceguardRow, 'shards: fresh', at, 'redisMicros');
  const cpu = (at: number) => medianAt(slices, onceguardRow, 'shards: fresh', at, 'cpuMicros');
  const [one, three, cpuOne, cpuThree] = [micro(1), micro(3), cpu(1), cpu(3)];
  if (one === null || three === null || cpuOne === null || cpuThree === null) return null;
  return (
    `A fresh request takes ${micros(three)} of one of three shards (${micros(one)} of a single one) and ${micros(cpuThree)} of ` +
    `the server (${micros(cpuOne)}). With three shards, a billion keys a day use ${percent((keysPerSecond * three) / 3e6)} of a ` +
    'core of each.'
  );
}

function medianAt(
  slices: GrowthFigures['slices'],
  row: string,
  load: string,
  at: number,
  metric: Metric,
): number | null {
  return figureOf(slices, { row, load, at }, metric)?.median ?? null;
}

/** The cores for one request per key, at this rate. */
function cores(microsPerKey: number): string {
  return `${((keysPerSecond * microsPerKey) / 1e6).toFixed(1)} cores`;
}

function gigabytes(bytesPerKey: number): string {
  return `${whole((keysPerDay * bytesPerKey) / 1e9)} GB`;
}

function shardsFor(bytesPerKey: number): string {
  const count = Math.ceil((keysPerDay * bytesPerKey) / 1e9 / shardGigabytes);
  return `${whole(count)} shard${count === 1 ? '' : 's'} of ${shardGigabytes} GB`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function micros(value: number): string {
  return `${value < 100 ? Number(value.toPrecision(2)) : Math.round(value)} µs`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
