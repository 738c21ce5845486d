// The memory of a server over very many requests: what it still references after records have expired.
import { setTimeout as pause } from 'node:timers/promises';
import type { MemoryPoint } from '../report/results.js';
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from '../run/bench-environment.js';

/** Records expire before the measurement; with a lifetime of a day the memory store would be full long before. */
const ttlMs = 2_000;

export async function measureMemoryGrowth(
  world: BenchEnvironment,
  requests: number,
  steps: number,
  tell: (line: string) => void,
): Promise<MemoryPoint[]> {
  const servers: Server[] = [];
  for (const row of ['onceguard-memory', 'onceguard-redis']) {
    servers.push(await world.startServer(rowNamed(row), { ...world.storeLocation, ttlMs }));
  }
  const points: MemoryPoint[] = [];
  for (let step = 1; step <= steps; step += 1) {
    for (const server of servers) {
      await sendFresh(world, server, requests / steps);
      await pause(ttlMs * 2);
      // Other calls remove expired records on their way.
      await sendFresh(world, server, 1_000);
      const { liveBytes } = await server.usage({ measuresLiveBytes: true });
      points.push({ row: server.row.name, requests: (requests / steps) * step, liveBytes: liveBytes ?? 0 });
    }
    tell(`memory: ${(requests / steps) * step} of ${requests} requests`);
  }
  for (const server of servers) await server.stop();
  return points;
}

async function sendFresh(world: BenchEnvironment, server: Server, maxRequests: number): Promise<void> {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  await world.sendLoad({ urls: [server.url], connections: 32, keys, durationMs: 1_200_000, maxRequests, noteBytes: 0 });
}
