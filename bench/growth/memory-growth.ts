// The memory of a server over very many requests: what it still refers to, after records have ended.
import { setTimeout as pause } from 'node:timers/promises';
import type { MemoryPoint } from '../report/results.js';
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from '../run/bench-environment.js';

/** Records end before they are counted; the memory store, with a day to live, would be full long before. */
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
      // Records that have ended are removed on the way of others.
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
