// The bytes that a row allocates for a fresh request. They depend little on what else the machine does.
import { type BenchEnvironment, newPrefix, type Server } from './bench-environment.js';

const requests = 1_500;
const connections = 32;

export async function garbagePerRequest(environment: BenchEnvironment, server: Server): Promise<number> {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const limits = { durationMs: 120_000, maxRequests: requests, noteBytes: 0 };
  await server.usage({ allocation: 'begin' });
  const sent = await environment.sendLoad({ urls: [server.url], connections, keys, ...limits });
  const { allocatedBytes } = await server.usage({ allocation: 'end' });
  return Math.round((allocatedBytes ?? 0) / sent.requests);
}
