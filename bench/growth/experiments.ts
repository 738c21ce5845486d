// The experiments behind the growth charts: each varies one parameter of the main run.
import { startRedisCluster } from '@onceguard/testing';
import type { KeyPlan } from '../keys.js';
import type { StoreLocation } from '../row.js';
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from '../run/bench-environment.js';
import { type Origins, RedisCostMeter } from '../run/redis-cost-meter.js';
import { type Measurement, measure, originsOf, type Slice } from '../run/slice.js';

export interface GrowthSettings {
  readonly rounds: number;
  readonly sliceMs: number;
}

type SendPattern = 'fresh' | 'replay' | 'bursts';
/** The settings for one point of a chart. */
type ChartPoint = Pick<Measurement, 'at' | 'connections' | 'noteBytes' | 'redis'> & { readonly at: number };

const connections = 32;
const comparedRows = ['bare', 'limit', 'onceguard-redis'];

export async function measureConnectionGrowth(
  environment: BenchEnvironment,
  settings: GrowthSettings,
): Promise<Slice[]> {
  const points = [1, 8, 32, 128, 512].map((at) => ({ at, connections: at }));
  return await measurePoints(environment, settings, { name: 'connections', rows: comparedRows, points });
}

export async function measureBodyGrowth(environment: BenchEnvironment, settings: GrowthSettings): Promise<Slice[]> {
  const points = [200, 2_000, 20_000, 200_000, 1_000_000].map((at) => ({ at, connections, noteBytes: at }));
  return await measurePoints(environment, settings, { name: 'body', rows: comparedRows, points });
}

export async function measureDuplicateGrowth(
  environment: BenchEnvironment,
  settings: GrowthSettings,
): Promise<Slice[]> {
  const servers = await serveAll(environment, ['limit', 'onceguard-redis', 'onceguard-waiting']);
  const slices: Slice[] = [];
  for (const at of [2, 8, 32, 128, 512]) {
    await environment.redis.flush();
    const point = { at, connections: at };
    slices.push(
      ...(await measureInRounds(
        environment,
        servers.map(asGroup),
        { load: 'duplicates', pattern: 'bursts', point },
        settings,
      )),
    );
  }
  await stopAll(servers);
  return slices;
}

export async function measureProcessGrowth(environment: BenchEnvironment, settings: GrowthSettings): Promise<Slice[]> {
  const groups = await Promise.all(comparedRows.map(async (row) => await serveAll(environment, [row, row, row, row])));
  const slices: Slice[] = [];
  for (const at of [1, 2, 3, 4]) {
    await environment.redis.flush();
    const point = { at, connections: 64 };
    const some = groups.map((servers) => servers.slice(0, at));
    slices.push(
      ...(await measureInRounds(environment, some, { load: 'processes', pattern: 'fresh', point }, settings)),
    );
  }
  await stopAll(groups.flat());
  return slices;
}

export async function measureShardGrowth(environment: BenchEnvironment, settings: GrowthSettings): Promise<Slice[]> {
  const slices: Slice[] = [];
  for (const masters of [1, 2, 3]) {
    // A node without a cluster learns its address from nobody.
    const args = ['--cluster-announce-ip', '127.0.0.1'];
    const cluster = await startRedisCluster({ masters, replicasPerMaster: 0, args });
    const redis = new RedisCostMeter(cluster.masters.map(({ url }) => url));
    const end = async () => {
      redis.close();
      await cluster.stop();
    };
    environment.onEnd(end);
    const location: StoreLocation = { ...environment.storeLocation, cluster: cluster.addresses };
    const server = await environment.startServer(rowNamed('onceguard-redis'), location);
    for (const pattern of ['fresh', 'replay'] as const) {
      const point = { at: masters, connections, redis };
      slices.push(
        ...(await measureInRounds(environment, [[server]], { load: `shards: ${pattern}`, pattern, point }, settings)),
      );
    }
    await server.stop();
    await end();
  }
  return slices;
}

interface Experiment {
  readonly name: string;
  readonly rows: readonly string[];
  readonly points: readonly ChartPoint[];
}

async function measurePoints(
  environment: BenchEnvironment,
  settings: GrowthSettings,
  { name, rows, points }: Experiment,
): Promise<Slice[]> {
  const servers = await serveAll(environment, rows);
  const slices: Slice[] = [];
  for (const point of points) {
    for (const pattern of ['fresh', 'replay'] as const) {
      await environment.redis.flush();
      slices.push(
        ...(await measureInRounds(
          environment,
          servers.map(asGroup),
          { load: `${name}: ${pattern}`, pattern, point },
          settings,
        )),
      );
    }
  }
  await stopAll(servers);
  return slices;
}

/** What is sent to each group of servers in turn. */
interface RoundPlan {
  readonly load: string;
  readonly pattern: SendPattern;
  readonly point: ChartPoint;
}

/** Round after round, each group in turn, after a warm-up round that does not count. */
export async function measureInRounds(
  environment: BenchEnvironment,
  groups: readonly (readonly Server[])[],
  { load, pattern, point }: RoundPlan,
  { rounds, sliceMs }: GrowthSettings,
): Promise<Slice[]> {
  const contestants: { servers: readonly Server[]; repeats: string; origins: Origins }[] = [];
  const base = { ...point, load, durationMs: sliceMs };
  for (const servers of groups) {
    const repeats = newPrefix();
    if (pattern === 'replay') await sendOnce(environment, servers, keyPlanOf(pattern, repeats, point), point);
    const measurement = { ...base, round: -1, keys: keyPlanOf(pattern, repeats, point) };
    const origins = await originsOf(environment, servers, measurement);
    await measure(environment, servers, { ...measurement, keys: keyPlanOf(pattern, repeats, point), origins });
    contestants.push({ servers, repeats, origins });
  }
  const slices: Slice[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { servers, repeats, origins } of contestants) {
      slices.push(
        await measure(environment, servers, { ...base, round, keys: keyPlanOf(pattern, repeats, point), origins }),
      );
    }
  }
  return slices;
}

export function asGroup(server: Server): readonly Server[] {
  return [server];
}

function keyPlanOf(sent: SendPattern, repeats: string, { at, noteBytes = 0 }: ChartPoint): KeyPlan {
  const once = newPrefix();
  switch (sent) {
    case 'fresh':
      return { kind: 'fresh', prefix: once };
    case 'bursts':
      return { kind: 'bursts', prefix: once, size: at };
    case 'replay':
      // A few large responses are many bytes already.
      return {
        kind: 'repeated',
        prefix: repeats,
        count: noteBytes > 10_000 ? 20 : 200,
        freshShare: 0,
        freshPrefix: once,
      };
  }
}

async function sendOnce(
  environment: BenchEnvironment,
  servers: readonly Server[],
  keys: KeyPlan,
  { noteBytes = 0 }: ChartPoint,
): Promise<void> {
  if (keys.kind !== 'repeated') return;
  const limits = { durationMs: 60_000, maxRequests: keys.count, noteBytes };
  await environment.sendLoad({ urls: servers.map(({ url }) => url), connections: 4, keys, ...limits });
}

async function serveAll(environment: BenchEnvironment, rows: readonly string[]): Promise<Server[]> {
  return await Promise.all(rows.map(async (row) => await environment.startServer(rowNamed(row))));
}

async function stopAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(async (server) => await server.stop()));
}
