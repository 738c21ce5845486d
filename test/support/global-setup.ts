// Provides one Redis for the whole run: the one in REDIS_URL, or one started here and stopped after the last test.
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
