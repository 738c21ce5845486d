// The main run: every load on every row, in turn, round after round.
import { type Load, repeatedKeys } from '../loads.js';
import { rows } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from './bench-environment.js';
import { probe } from './correctness-probe.js';
import { bytesPerRecord } from './record-bytes.js';
import type { Origins } from './redis-cost-meter.js';
import { measure, originsOf, type Slice } from './slice.js';

export interface RunSettings {
  readonly rounds: number;
  readonly sliceMs: number;
  /** For each load on each row, before any measurement. */
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
}

export interface RowResult {
  readonly row: string;
  /** The finding of the probe; null if the row is correct. */
  readonly failure: string | null;
  readonly peakRssBytes: number;
}

export interface RunResult {
  readonly slices: readonly Slice[];
  readonly rows: readonly RowResult[];
  /** The bytes of a record in Redis beyond the response body, by row. */
  readonly bytesPerRecord: Readonly<Record<string, number>>;
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
  const slices: Slice[] = [];
  for (let round = 0; round < settings.rounds; round += 1) {
    log(`round ${round + 1} of ${settings.rounds}`);
    slices.push(...(await runRound(environment, rotated(servers, round), { ...settings, round, origins })));
  }
  const results = servers.map(async (server) => ({
    row: server.row.name,
    failure: failures.get(server.row.name) ?? null,
    peakRssBytes: (await server.usage()).peakRssBytes,
  }));
  const bytes: Record<string, number> = {};
  for (const server of servers.filter(({ row }) => settings.rowsToWeigh.includes(row.name))) {
    bytes[server.row.name] = await bytesPerRecord(environment, server);
  }
  return { slices, rows: await Promise.all(results), bytesPerRecord: bytes };
}

/** One after the other: two at a time would take as long, and more of the memory. */
async function startServers(environment: BenchEnvironment, names: readonly string[]): Promise<Server[]> {
  const servers: Server[] = [];
  for (const row of rows.filter(({ name }) => names.includes(name))) servers.push(await environment.startServer(row));
  return servers;
}

type OriginsByLoadAndRow = ReadonlyMap<string, Origins>;

interface RoundSettings extends RunSettings {
  readonly round: number;
  readonly origins: OriginsByLoadAndRow;
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
    for (const load of settings.loads.filter((one) => applies(one, server))) {
      const measurement = { load: load.name, round: -1, connections: load.connections, durationMs: settings.warmUpMs };
      const keys = () => load.keys({ repeated, fresh: newPrefix() });
      origins.set(loadAndRow(load, server), await originsOf(environment, [server], { ...measurement, keys: keys() }));
      await measure(environment, [server], { ...measurement, keys: keys(), origins: new Map() });
    }
  }
  return origins;
}

async function runRound(
  environment: BenchEnvironment,
  servers: readonly Server[],
  settings: RoundSettings,
): Promise<Slice[]> {
  await environment.redis.flush();
  const { round, sliceMs, runInMs, origins } = settings;
  const slices: Slice[] = [];
  const repeats = new Map<Server, string>();
  for (const server of servers) repeats.set(server, await sendRepeatedKeys(environment, server));
  for (const load of settings.loads.filter(({ everyRounds }) => round % everyRounds === 0)) {
    for (const server of servers.filter((one) => applies(load, one))) {
      const keys = () => load.keys({ repeated: repeats.get(server) ?? '', fresh: newPrefix() });
      const known = origins.get(loadAndRow(load, server)) ?? new Map();
      const measurement = { load: load.name, round, connections: load.connections, origins: known };
      await measure(environment, [server], { ...measurement, keys: keys(), durationMs: runInMs });
      slices.push(await measure(environment, [server], { ...measurement, keys: keys(), durationMs: sliceMs }));
    }
  }
  return slices;
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

/** Each round begins with another row, so that no row always follows the same one. */
function rotated(servers: readonly Server[], round: number): Server[] {
  const first = round % servers.length;
  return [...servers.slice(first), ...servers.slice(0, first)];
}

function applies(load: Load, { row }: Server): boolean {
  if (load.rows !== undefined) return load.rows.includes(row.name);
  return row.name !== 'onceguard-waiting' || load.name === 'duplicates';
}

function loadAndRow(load: Load, { row }: Server): string {
  return `${load.name} ${row.name}`;
}
