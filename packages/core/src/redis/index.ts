// @onceguard/core/redis: the store on Redis.
export type { Finding, FindingCode, Severity } from './check.js';
export type { RedisAddress, RedisClient, RedisClientOptions, RedisNode, RedisPipeline } from './client.js';
export type { ConnectOptions, ServerAddress } from './connect-options.js';
export type { Credential } from './credentials.js';
export type { RedisHealth } from './health.js';
export type { RedisStoreOptions } from './options.js';
export type { Durability } from './replicated.js';
export { safeClusterOptions, safeRedisOptions } from './safe-options.js';
export { RedisStore } from './store.js';
