// What a completed record takes in Redis, beyond the body of its answer.
import { setTimeout as pause } from 'node:timers/promises';
import { newPrefix, type Server, type World } from './world.js';

/**
 * The memory of Redis after some records is compared with that after eight times as many, so that what connections take
 * cancels out. Powers of two, where its tables are as full as they get: what finds a record is in it, too.
 */
const counts = [256, 2_048] as const;

export async function bytesPerRecord(world: World, server: Server): Promise<number> {
  await world.redis.flush();
  const few = await filled(world, server, counts[0]);
  const many = await filled(world, server, counts[1] - counts[0]);
  return Math.round((many.memory - few.memory - many.bodyBytes) / (counts[1] - counts[0]));
}

async function filled(world: World, server: Server, records: number) {
  const keys = { kind: 'fresh', prefix: newPrefix() } as const;
  const limits = { durationMs: 120_000, maxRequests: records, noteBytes: 0 };
  const { bodyBytes } = await world.send({ urls: [server.url], connections: 8, keys, ...limits });
  // Some record only after they have answered.
  await pause(100);
  return { bodyBytes, memory: await world.redis.storedBytes() };
}
