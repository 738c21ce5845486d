// The ioredis options that work under faults. Each set was tested as a whole.
import type { ClusterOptions, RedisOptions } from 'ioredis';

/**
 * The options for a client of one server, or of a master behind Sentinel. They were tested together against lost replies,
 * black holes, frozen masters, failovers and restarts, so change none of them alone. Behind Sentinel, call `connect()` again
 * when the client emits `end` and you did not close it: ioredis gives up if a failover interrupts its connecting.
 *
 * @param callTimeoutMs - the store's `callTimeoutMs`. Default 1000.
 * @example
 * const client = new Redis({ host: 'redis.internal', ...safeRedisOptions() });
 * const store = new RedisStore({ client });
 */
export function safeRedisOptions(callTimeoutMs = 1_000) {
  return {
    // RESP3 and CLIENT SETINFO hide the error text of a server that refuses the connection.
    protocol: 2 as const,
    disableClientInfo: true,
    // To leave a silent server is safer: a frozen master that wakes up acknowledges writes that are already lost.
    connectTimeout: Math.max(1_000, callTimeoutMs),
    commandTimeout: callTimeoutMs,
    socketTimeout: callTimeoutMs * 1.5,
    keepAlive: 5_000,
    // The client ends a connection after this time even if the server does not confirm.
    disconnectTimeout: 500,
    // The client sends a command at most once.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    // A server that loads its data only estimates the time, and may be ready much earlier.
    maxLoadingRetryTime: 500,
    enableAutoPipelining: false,
    lazyConnect: true,
    // The client never gives up, because any fault may be repaired. Pauses are short: an attempt costs a server little.
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times - 1, 4), 500) + Math.random() * 100,
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? (1 as const) : (false as const)),
    sentinelRetryStrategy: (times: number) => Math.min(times * 50, 500),
    sentinelReconnectStrategy: (times: number) => Math.min(times * 100, 2_000),
    sentinelCommandTimeout: callTimeoutMs,
    failoverDetector: true,
  } satisfies RedisOptions;
}

/**
 * The options for a cluster client. The client sends a command again if a slot has moved or a master has died. That is safe,
 * because every call of the store is safe to repeat. The client reads the slots every two seconds, which repairs a wrong map.
 *
 * @param callTimeoutMs - the store's `callTimeoutMs`. Default 1000.
 * @example
 * const client = new Cluster([{ host: '10.0.0.1', port: 7000 }], safeClusterOptions());
 * const store = new RedisStore({ client });
 */
export function safeClusterOptions(callTimeoutMs = 1_000) {
  return {
    enableOfflineQueue: false,
    enableAutoPipelining: false,
    lazyConnect: true,
    scaleReads: 'master' as const,
    slotsRefreshInterval: 2_000,
    slotsRefreshTimeout: 1_000,
    maxRedirections: 16,
    retryDelayOnFailover: 200,
    retryDelayOnClusterDown: 200,
    clusterRetryStrategy: (times: number) => Math.min(100 + times * 50, 500) + Math.random() * 100,
    redisOptions: safeRedisOptions(callTimeoutMs),
  } satisfies ClusterOptions;
}
