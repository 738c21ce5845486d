// @onceguard/core/redis: the store on Redis.
export type { RedisClient, RedisClientOptions, RedisNode } from './client.js';
export type { ConnectOptions } from './connection.js';
export type { RedisStoreOptions } from './options.js';
export { RedisStore } from './store.js';
