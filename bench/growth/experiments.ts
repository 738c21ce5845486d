// The experiments behind the growth charts: one thing grows, everything else stays as in the main run.
import { startRedisCluster } from '@onceguard/testing';
import type { KeyPlan } from '../keys.js';
import { type Place, rowNamed } from '../rows.js';
import { type Origins, RedisSide } from '../run/redis-side.js';
import { type Measurement, measure, originsOf, type Slice } from '../run/slice.js';
import { newPrefix, type Server, type World } from '../run/world.js';

export interface GrowthSettings {
  readonly rounds: number;
  readonly sliceMs: number;
}

type Sent = 'fresh' | 'replay' | 'bursts';
/** What one point of a chart is measured with. */
type Point = Pick<Measurement, 'at' | 'connections' | 'noteBytes' | 'redis'> & { readonly at: number };

const connections = 32;
const compared = ['bare', 'limit', 'onceguard-redis'];

export async function growConnections(world: World, settings: GrowthSettings): Promise<Slice[]> {
  const points = [1, 8, 32, 128, 512].map((at) => ({ at, connections: at }));
  return await overPoints(world, settings, { name: 'connections', rows: compared, points });
}

export async function growBodies(world: World, settings: GrowthSettings): Promise<Slice[]> {
  const points = [200, 2_000, 20_000, 200_000, 1_000_000].map((at) => ({ at, connections, noteBytes: at }));
  return await overPoints(world, settings, { name: 'body', rows: compared, points });
}

export async function growDuplicates(world: World, settings: GrowthSettings): Promise<Slice[]> {
  const servers = await serveAll(world, ['limit', 'onceguard-redis', 'onceguard-waiting']);
  const slices: Slice[] = [];
  for (const at of [2, 8, 32, 128, 512]) {
    await world.redis.flush();
    const point = { at, connections: at };
    slices.push(
      ...(await inRounds(world, servers.map(alone), { load: 'duplicates', sent: 'bursts', point }, settings)),
    );
  }
  await stopAll(servers);
  return slices;
}

export async function growProcesses(world: World, settings: GrowthSettings): Promise<Slice[]> {
  const groups = await Promise.all(compared.map(async (row) => await serveAll(world, [row, row, row, row])));
  const slices: Slice[] = [];
  for (const at of [1, 2, 3, 4]) {
    await world.redis.flush();
    const point = { at, connections: 64 };
    const some = groups.map((servers) => servers.slice(0, at));
    slices.push(...(await inRounds(world, some, { load: 'processes', sent: 'fresh', point }, settings)));
  }
  await stopAll(groups.flat());
  return slices;
}

export async function growShards(world: World, settings: GrowthSettings): Promise<Slice[]> {
  const slices: Slice[] = [];
  for (const masters of [1, 2, 3]) {
    // A node that is alone learns its address from nobody.
    const args = ['--cluster-announce-ip', '127.0.0.1'];
    const cluster = await startRedisCluster({ masters, replicasEach: 0, args });
    const redis = new RedisSide(cluster.masters.map(({ url }) => url));
    const end = async () => {
      redis.close();
      await cluster.stop();
    };
    world.atEnd(end);
    const place: Place = { ...world.place, cluster: cluster.addresses };
    const server = await world.serve(rowNamed('onceguard-redis'), place);
    for (const sent of ['fresh', 'replay'] as const) {
      const point = { at: masters, connections, redis };
      slices.push(...(await inRounds(world, [[server]], { load: `shards: ${sent}`, sent, point }, settings)));
    }
    await server.stop();
    await end();
  }
  return slices;
}

interface Experiment {
  readonly name: string;
  readonly rows: readonly string[];
  readonly points: readonly Point[];
}

async function overPoints(
  world: World,
  settings: GrowthSettings,
  { name, rows, points }: Experiment,
): Promise<Slice[]> {
  const servers = await serveAll(world, rows);
  const slices: Slice[] = [];
  for (const point of points) {
    for (const sent of ['fresh', 'replay'] as const) {
      await world.redis.flush();
      slices.push(...(await inRounds(world, servers.map(alone), { load: `${name}: ${sent}`, sent, point }, settings)));
    }
  }
  await stopAll(servers);
  return slices;
}

/** What is sent to each group of servers in turn. */
interface Turn {
  readonly load: string;
  readonly sent: Sent;
  readonly point: Point;
}

/** Round after round, each group in turn, after one that warms up and is not counted. */
export async function inRounds(
  world: World,
  groups: readonly (readonly Server[])[],
  { load, sent, point }: Turn,
  { rounds, sliceMs }: GrowthSettings,
): Promise<Slice[]> {
  const contestants: { servers: readonly Server[]; repeats: string; origins: Origins }[] = [];
  const base = { ...point, load, durationMs: sliceMs };
  for (const servers of groups) {
    const repeats = newPrefix();
    if (sent === 'replay') await sendOnce(world, servers, planOf(sent, repeats, point), point);
    const what = { ...base, round: -1, keys: planOf(sent, repeats, point) };
    const origins = await originsOf(world, servers, what);
    await measure(world, servers, { ...what, keys: planOf(sent, repeats, point), origins });
    contestants.push({ servers, repeats, origins });
  }
  const slices: Slice[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const { servers, repeats, origins } of contestants) {
      slices.push(await measure(world, servers, { ...base, round, keys: planOf(sent, repeats, point), origins }));
    }
  }
  return slices;
}

export function alone(server: Server): readonly Server[] {
  return [server];
}

function planOf(sent: Sent, repeats: string, { at, noteBytes = 0 }: Point): KeyPlan {
  const once = newPrefix();
  switch (sent) {
    case 'fresh':
      return { kind: 'fresh', prefix: once };
    case 'bursts':
      return { kind: 'bursts', prefix: once, size: at };
    case 'replay':
      // Large answers are many bytes already when they are few.
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
  world: World,
  servers: readonly Server[],
  keys: KeyPlan,
  { noteBytes = 0 }: Point,
): Promise<void> {
  if (keys.kind !== 'repeated') return;
  const limits = { durationMs: 60_000, maxRequests: keys.count, noteBytes };
  await world.send({ urls: servers.map(({ url }) => url), connections: 4, keys, ...limits });
}

async function serveAll(world: World, rows: readonly string[]): Promise<Server[]> {
  return await Promise.all(rows.map(async (row) => await world.serve(rowNamed(row))));
}

async function stopAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(servers.map(async (server) => await server.stop()));
}
