// Before the first test: a Redis for the whole run, the one in REDIS_URL or one started here; after the last, stops that one.
import { findRedisBinary } from '../../packages/testing/src/servers/server-process.js';
import { installRedis } from './install-redis.js';
import { startRedis } from './redis.js';

export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.REDIS_URL) return undefined;
  if (!findRedisBinary()) installRedis();
  const server = await startRedis();
  process.env.REDIS_URL = server.url;
  return async () => await server.stop();
}
