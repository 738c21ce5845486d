// What a completed record takes in Redis, beyond the body of its answer.
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchEnvironment, newPrefix, type Server } from './bench-environment.js';

/**
 * The memory of Redis after some records is compared with that after eight times as many, so that what connections take
 * cancels out. Powers of two, where its tables are as full as they get: what finds a record is in it, too.
 */
const recordCounts = [256, 2_048] as const;

export async function bytesPerRecord(world: BenchEnvironment, server: Server): Promise<number> {
  await world.redis.flush();
  const few = await fillRecords(world, server, recordCounts[0]);
  const many = await fillRecords(world, server, recordCounts[1] - recordCounts[0]);
  return Math.round((many.memory - few.memory - many.bodyBytes) / (recordCounts[1] - recordCounts[0]));
}

async function fillRecords(world: BenchEnvironment, server: Server, records: number) {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const limits = { durationMs: 120_000, maxRequests: records, noteBytes: 0 };
  const { bodyBytes } = await world.sendLoad({ urls: [server.url], connections: 8, keys, ...limits });
  // Some record only after they have answered.
  await pause(100);
  return { bodyBytes, memory: await world.redis.storedBytes() };
}
