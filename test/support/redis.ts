// Redis for the tests: the server that the whole run shares, and servers for one test.
export { type RedisServer, startRedis } from '../../packages/testing/src/servers/redis-server.js';

/** Where the Redis of this run listens. The run's setup started it or got its URL; throws outside a run. */
export function redisUrl(): string {
  const url = process.env.REDIS_URL;
  if (!url) throw new Error('REDIS_URL is not set: run the tests with `npm test` or `npx vitest`, which set it');
  return url;
}
