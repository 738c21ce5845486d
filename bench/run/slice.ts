// One measurement: a load on a row for a moment, and its cost for all processes.
import type { KeyPlan } from '../keys.js';
import type { Arrivals, LoadRequest, LoadResult } from '../processes/load-generator.js';
import type { Usage } from '../processes/server.js';
import type { BenchEnvironment, Server } from './bench-environment.js';
import type { Origins, RedisCost, RedisCostMeter } from './redis-cost-meter.js';

/** The stored form of a measurement. All costs are per request. */
export interface Slice {
  readonly row: string;
  readonly load: string;
  readonly round: number;
  /** The value that a growth chart varies: connections, bytes, records … */
  readonly at?: number;
  readonly requests: number;
  readonly perSecond: number;
  /** In an open loop, how many were due; if fewer were served, the row is saturated. */
  readonly duePerSecond?: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly redisCommands: number;
  readonly redisMicros: number;
  /** How busy the load generator was: at 1, a whole core, the generator was measured and not the server. */
  readonly loaderCores: number;
  /** The failure, or null. */
  readonly wrong: string | null;
}

export interface Measurement {
  readonly load: string;
  readonly round: number;
  readonly at?: number;
  readonly keys: KeyPlan;
  readonly connections: number;
  readonly durationMs: number;
  readonly maxRequests?: number;
  readonly noteBytes?: number;
  /** Default: a closed loop. */
  readonly arrivals?: Arrivals;
  /** Receives the latency of every request of an open loop. */
  readonly onLatencies?: (latenciesMs: readonly number[]) => void;
  readonly origins: Origins;
  /** Where the servers keep their records; default: the environment's Redis. */
  readonly redis?: RedisCostMeter;
}

/** Servers of one row share the connections. */
export async function measure(
  environment: BenchEnvironment,
  servers: readonly Server[],
  measurement: Measurement,
): Promise<Slice> {
  const { origins, redis = environment.redis, load, round, at } = measurement;
  const before = await usageOf(servers);
  await redis.resetCounters();
  const sent = await environment.sendLoad(loadRequestOf(servers, measurement));
  const cost = await redis.cost(origins);
  const used = difference(await usageOf(servers), before);
  measurement.onLatencies?.(sent.latenciesMs);
  const row = servers[0]?.row;
  const due = measurement.arrivals && { duePerSecond: rounded((sent.requests / measurement.durationMs) * 1_000) };
  return {
    ...{ row: row?.name ?? '', load, round, ...(at === undefined ? {} : { at }) },
    ...{ ...figuresOf(sent, used.cpuMicros, cost), ...due },
    wrong: row?.kind === 'bare' ? null : findFailure(measurement.keys, sent, used.runs),
  };
}

/** Which commands of a load on this row clients send, and which scripts call. */
export async function originsOf(
  environment: BenchEnvironment,
  servers: readonly Server[],
  { arrivals: _, ...measurement }: Omit<Measurement, 'origins'>,
) {
  const order = loadRequestOf(servers, {
    ...measurement,
    maxRequests: Math.max(50, measurement.connections),
    durationMs: 10_000,
  });
  return await (measurement.redis ?? environment.redis).originsDuring(async () => await environment.sendLoad(order));
}

function loadRequestOf(servers: readonly Server[], measurement: Omit<Measurement, 'origins'>): LoadRequest {
  const { keys, connections, durationMs, maxRequests = 1_000_000, noteBytes = 0, arrivals } = measurement;
  const order = { urls: servers.map(({ url }) => url), keys, connections, durationMs, maxRequests, noteBytes };
  return arrivals === undefined ? order : { ...order, arrivals };
}

async function usageOf(servers: readonly Server[]): Promise<readonly Usage[]> {
  return await Promise.all(servers.map(async (server) => await server.usage()));
}

function difference(after: readonly Usage[], before: readonly Usage[]) {
  const sum = (all: readonly Usage[], of: 'cpuMicros' | 'runs') => all.reduce((total, one) => total + one[of], 0);
  return {
    cpuMicros: sum(after, 'cpuMicros') - sum(before, 'cpuMicros'),
    runs: sum(after, 'runs') - sum(before, 'runs'),
  };
}

function figuresOf(
  { requests, elapsedMs, p50Ms, p99Ms, cpuMicros }: LoadResult,
  serverMicros: number,
  redis: RedisCost,
) {
  return {
    requests,
    perSecond: rounded((requests / elapsedMs) * 1_000),
    cpuMicros: rounded(serverMicros / requests),
    p50Ms: rounded(p50Ms),
    p99Ms: rounded(p99Ms),
    redisCommands: rounded(redis.commands / requests),
    redisMicros: rounded(redis.micros / requests),
    loaderCores: rounded(cpuMicros / 1_000 / elapsedMs),
  };
}

function findFailure(keys: KeyPlan, { statuses, freshKeys }: LoadResult, runs: number): string | null {
  const expected = keys.kind === 'bursts' ? ['201', '409'] : ['201'];
  const others = Object.entries(statuses).filter(([status]) => !expected.includes(status));
  if (others.length > 0) return others.map(([status, count]) => `answered ${status} ${count} times`).join(', ');
  return runs === freshKeys ? null : `did the work ${runs} times for ${freshKeys} fresh keys`;
}

/** To four digits: more would be noise in the results. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
