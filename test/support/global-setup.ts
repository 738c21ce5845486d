// Provides one Redis for the whole run: the one in REDIS_URL, or one started here and stopped after the last test. And, if
// a test asks for them, one PostgreSQL (the one in POSTGRES_URL, or one of its own) and the packed packages.
import { findRedisBinary } from '../../packages/testing/src/servers/server-process.js';
import { installRedis } from './install-redis.js';
import { startRedis } from './redis.js';
import { offerPackages } from './shared-packages.js';
import { offerPostgres } from './shared-postgres.js';

export async function setup(): Promise<() => Promise<void>> {
  const stops = [
    await provideRedis(),
    process.env.POSTGRES_URL ? undefined : await offerPostgres(),
    await offerPackages(),
  ];
  return async () => {
    for (const stop of stops) await stop?.();
  };
}

async function provideRedis(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.REDIS_URL) return undefined;
  if (!findRedisBinary()) installRedis();
  const server = await startRedis();
  process.env.REDIS_URL = server.url;
  return async () => await server.stop();
}
