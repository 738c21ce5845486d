// The memory of a server over very many requests: what it still references after records have expired.
import { setTimeout as pause } from 'node:timers/promises';
import type { MemoryPoint } from '../report/results.js';
import { rowNamed } from '../rows.js';
import { type BenchEnvironment, newPrefix, type Server } from '../run/bench-environment.js';

/** Records expire before the measurement; with a lifetime of a day the memory store would be full long before. */
const ttlMs = 2_000;

export async function measureMemoryGrowth(
  environment: BenchEnvironment,
  requests: number,
  steps: number,
  log: (line: string) => void,
): Promise<MemoryPoint[]> {
  const servers: Server[] = [];
  for (const row of ['onceguard-memory', 'onceguard-redis']) {
    servers.push(await environment.startServer(rowNamed(row), { ...environment.storeLocation, ttlMs }));
  }
  const points: MemoryPoint[] = [];
  for (let step = 1; step <= steps; step += 1) {
    for (const server of servers) {
      await sendFresh(environment, server, requests / steps);
      await pause(ttlMs * 2);
      // Other calls remove expired records on their way.
      await sendFresh(environment, server, 1_000);
      const { liveBytes } = await server.usage({ measuresLiveBytes: true });
      points.push({ row: server.row.name, requests: (requests / steps) * step, liveBytes: liveBytes ?? 0 });
    }
    log(`memory: ${(requests / steps) * step} of ${requests} requests`);
  }
  for (const server of servers) await server.stop();
  return points;
}

async function sendFresh(environment: BenchEnvironment, server: Server, maxRequests: number): Promise<void> {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  await environment.sendLoad({
    urls: [server.url],
    connections: 32,
    keys,
    durationMs: 1_200_000,
    maxRequests,
    noteBytes: 0,
  });
}
