// The main run: every load on every row, in turn, round after round.
import { type Load, loadNamed, repeatedKeys } from '../loads.js';
import { shuffled } from '../random.js';
import { quantile } from '../report/statistics.js';
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from './bench-environment.js';
import { probe } from './correctness-probe.js';
import { garbagePerRequest } from './garbage.js';
import { bytesPerRecord } from './record-bytes.js';
import type { Origins } from './redis-cost-meter.js';
import { measure, originsOf, type Slice } from './slice.js';

export interface RunSettings {
  readonly rounds: number;
  /** For loads that do not have their own. */
  readonly sliceMs: number;
  /** For each load on each row, before any measurement. Every row is warmed up for as long as one with all loads. */
  readonly warmUpMs: number;
  /**
   * Before each slice, and not counted: a server that was idle while others were measured needs to reach its usual
   * speed.
   */
  readonly runInMs: number;
  readonly loads: readonly Load[];
  readonly rows: readonly string[];
  /** The rows whose record size is measured too. */
  readonly rowsToWeigh: readonly string[];
  /** How often the garbage of every row is measured, after the rounds; default 0. */
  readonly garbageRounds?: number;
}

export interface RowResult {
  readonly row: string;
  /** The finding of the probe; null if the row is correct. */
  readonly failure: string | null;
  readonly peakRssBytes: number;
  /** Allocated for a fresh request, measured some times. Missing in older results. */
  readonly garbageBytes?: readonly number[];
}

/** What so few requests of a row took that single measurements do not show it: over all rounds together. */
export interface Tail {
  readonly row: string;
  readonly load: string;
  readonly requests: number;
  readonly p999Ms: number;
}

export interface RunResult {
  readonly slices: readonly Slice[];
  readonly rows: readonly RowResult[];
  /** The bytes of a record in Redis beyond the response body, by row. */
  readonly bytesPerRecord: Readonly<Record<string, number>>;
  /** Of the open loops. */
  readonly tails: readonly Tail[];
}

export async function mainRun(
  environment: BenchEnvironment,
  settings: RunSettings,
  log: (line: string) => void,
): Promise<RunResult> {
  const servers = await startServers(environment, settings.rows);
  const failures = new Map<string, string | null>();
  for (const server of servers) failures.set(server.row.name, await probe(server));
  for (const [row, failure] of failures) if (failure !== null) log(`${row}: ${failure}`);

  const origins = await warmUp(environment, servers, settings);
  const barePerSecond = settings.loads.some(isOpen) ? await bareCapacity(environment, servers) : 0;
  const latencies = new Map<string, number[]>();
  const slices: Slice[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    log(`round ${round + 1} of ${settings.rounds}`);
    // No row always follows the same one.
    const inOrder = shuffled(servers, round);
    slices.push(...(await runRound(environment, inOrder, { ...settings, round, origins, barePerSecond, latencies })));
  }
  const garbage = await measureGarbage(environment, servers, settings.garbageRounds ?? 0);
  const results = servers.map(async (server) => ({
    row: server.row.name,
    failure: failures.get(server.row.name) ?? null,
    peakRssBytes: (await server.usage()).peakRssBytes,
    garbageBytes: garbage.get(server.row.name) ?? [],
  }));
  const bytes: Record<string, number> = {};
  for (const server of servers.filter(({ row }) => settings.rowsToWeigh.includes(row.name))) {
    bytes[server.row.name] = await bytesPerRecord(environment, server);
  }
  return { slices, rows: await Promise.all(results), bytesPerRecord: bytes, tails: tailsOf(latencies) };
}

/** One after the other: two at a time would take as long, and more of the memory. */
async function startServers(environment: BenchEnvironment, names: readonly string[]): Promise<Server[]> {
  const servers: Server[] = [];
  for (const name of names) servers.push(await environment.startServer(rowNamed(name)));
  return servers;
}

type OriginsByLoadAndRow = ReadonlyMap<string, Origins>;

interface RoundSettings extends RunSettings {
  readonly round: number;
  readonly origins: OriginsByLoadAndRow;
  /** What the shares of open loops are of. */
  readonly barePerSecond: number;
  /** Of all open loops so far, by load and row. */
  readonly latencies: Map<string, number[]>;
}

/** Sends every load to every server before any measurement, and learns meanwhile which commands belong to which row. */
async function warmUp(
  environment: BenchEnvironment,
  servers: readonly Server[],
  settings: RunSettings,
): Promise<OriginsByLoadAndRow> {
  const origins = new Map<string, Origins>();
  for (const server of servers) {
    const repeated = await sendRepeatedKeys(environment, server);
    const loads = settings.loads.filter((one) => applies(one, server, 0));
    // A row with few loads gets each for longer: code that has run less is slower.
    const durationMs = (settings.warmUpMs * settings.loads.length) / loads.length;
    for (const load of loads) {
      const measurement = { load: load.name, round: -1, connections: load.connections, durationMs };
      const keys = () => load.keys({ repeated, fresh: newPrefix() });
      origins.set(loadAndRow(load, server), await originsOf(environment, [server], { ...measurement, keys: keys() }));
      if (!isOpen(load)) await measure(environment, [server], { ...measurement, keys: keys(), origins: new Map() });
    }
  }
  return origins;
}

/** What the bare app serves in a closed loop: the median of some short measurements. */
async function bareCapacity(environment: BenchEnvironment, servers: readonly Server[]): Promise<number> {
  const bare = servers.find(({ row }) => row.kind === 'bare') ?? (await environment.startServer(rowNamed('bare')));
  const { connections } = loadNamed('fresh');
  const perSecond: number[] = [];
  for (let at = 0; at < 9; at += 1) {
    const keys = { kind: 'fresh', prefix: newPrefix() } as const;
    const measurement = { load: 'capacity', round: at, keys, connections, durationMs: 400, origins: new Map() };
    perSecond.push((await measure(environment, [bare], measurement)).perSecond);
  }
  return quantile(
    perSecond.slice(1).sort((a, b) => a - b),
    0.5,
  );
}

async function runRound(
  environment: BenchEnvironment,
  servers: readonly Server[],
  settings: RoundSettings,
): Promise<Slice[]> {
  await environment.redis.flush();
  const { round, origins } = settings;
  const slices: Slice[] = [];
  const repeats = new Map<Server, string>();
  for (const server of servers) repeats.set(server, await sendRepeatedKeys(environment, server));
  for (const load of settings.loads) {
    for (const server of servers.filter((one) => applies(load, one, round))) {
      const keys = () => load.keys({ repeated: repeats.get(server) ?? '', fresh: newPrefix() });
      const known = origins.get(loadAndRow(load, server)) ?? new Map();
      const measurement = {
        ...{ load: load.name, round, connections: load.connections, origins: known },
        ...arrivalsOf(load, settings),
      };
      await measure(environment, [server], { ...measurement, keys: keys(), durationMs: settings.runInMs });
      const durationMs = load.sliceMs ?? settings.sliceMs;
      const onLatencies = (all: readonly number[]) => keepLatencies(settings.latencies, loadAndRow(load, server), all);
      slices.push(await measure(environment, [server], { ...measurement, keys: keys(), durationMs, onLatencies }));
    }
  }
  return slices;
}

/** In one round all rows get requests at the same moments. */
function arrivalsOf({ arrivalShare }: Load, { barePerSecond, round }: RoundSettings) {
  if (arrivalShare === undefined) return {};
  return { arrivals: { perSecond: barePerSecond * arrivalShare, seed: round } };
}

function keepLatencies(kept: Map<string, number[]>, name: string, latencies: readonly number[]): void {
  if (latencies.length > 0) kept.set(name, [...(kept.get(name) ?? []), ...latencies]);
}

function tailsOf(latencies: ReadonlyMap<string, readonly number[]>): Tail[] {
  return [...latencies].map(([name, all]) => {
    const [load = '', row = ''] = name.split(' ');
    const ascending = Float64Array.from(all).sort();
    return { row, load, requests: all.length, p999Ms: Number(quantile(ascending, 0.999).toPrecision(4)) };
  });
}

/** By row; in rounds, as all measurements are. */
async function measureGarbage(environment: BenchEnvironment, servers: readonly Server[], rounds: number) {
  const garbage = new Map<string, number[]>();
  for (let round = 0; round < rounds; round += 1) {
    await environment.redis.flush();
    for (const server of servers.filter((one) => applies(loadNamed('fresh'), one, 0))) {
      const { name } = server.row;
      garbage.set(name, [...(garbage.get(name) ?? []), await garbagePerRequest(environment, server)]);
    }
  }
  return garbage;
}

/** Sends the repeated keys of the loads twice, so that a cache near the server has them too. */
async function sendRepeatedKeys(environment: BenchEnvironment, server: Server): Promise<string> {
  const repeated = newPrefix();
  const keys = repeatedKeys({ repeated, fresh: '' }, 0);
  const maxRequests = keys.kind === 'repeated' ? 2 * keys.count : 0;
  await environment.sendLoad({
    urls: [server.url],
    connections: 32,
    keys,
    durationMs: 60_000,
    maxRequests,
    noteBytes: 0,
  });
  return repeated;
}

function applies(load: Load, { row }: Server, round: number): boolean {
  const isInRound = round % load.everyRounds === 0 && round % (row.everyRounds ?? 1) === 0;
  return isInRound && (load.rows?.includes(row.name) ?? true) && (row.loads?.includes(load.name) ?? true);
}

function isOpen({ arrivalShare }: Load): boolean {
  return arrivalShare !== undefined;
}

function loadAndRow(load: Load, { row }: Server): string {
  return `${load.name} ${row.name}`;
}
