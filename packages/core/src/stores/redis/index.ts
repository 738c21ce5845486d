// @onceguard/core/redis: the store on Redis.

export { checkRedisServers, type RedisCheckReport, type RedisCheckTarget } from './check-servers.js';
export type { ConnectOptions, ServerAddress } from './connection/connect-options.js';
export type { Credential } from './connection/credentials.js';
export type {
  RedisAddress,
  RedisClient,
  RedisClientOptions,
  RedisNode,
  RedisPipeline,
} from './connection/redis-client.js';
export type { RedisStoreOptions } from './connection/redis-store-options.js';
export { parseRedisUrl, type RedisUrl } from './connection/redis-url.js';
export type { Durability } from './connection/replication-wait.js';
export { safeClusterOptions, safeRedisOptions } from './connection/safe-options.js';
export type { Finding, FindingCode, Severity } from './diagnostics/check/check-redis.js';
export type { RedisHealth } from './diagnostics/health.js';
export { RedisStore } from './redis-store.js';
