// The bytes of a completed record in Redis, beyond the response body.
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchEnvironment, newPrefix, type Server } from './bench-environment.js';

/**
 * Compares the memory of Redis after some records with that after eight times as many, so that the memory of
 * connections cancels out. Powers of two, at which Redis' hash tables are as full as they get: their memory counts,
 * too.
 */
const recordCounts = [256, 2_048] as const;

export async function bytesPerRecord(environment: BenchEnvironment, server: Server): Promise<number> {
  await environment.redis.flush();
  const few = await fillRecords(environment, server, recordCounts[0]);
  const many = await fillRecords(environment, server, recordCounts[1] - recordCounts[0]);
  return Math.round((many.memory - few.memory - many.bodyBytes) / (recordCounts[1] - recordCounts[0]));
}

async function fillRecords(environment: BenchEnvironment, server: Server, records: number) {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const limits = { durationMs: 120_000, maxRequests: records, noteBytes: 0 };
  const { bodyBytes } = await environment.sendLoad({ urls: [server.url], connections: 8, keys, ...limits });
  // Some rows write their record after the response.
  await pause(100);
  return { bodyBytes, memory: await environment.redis.storedBytes() };
}
