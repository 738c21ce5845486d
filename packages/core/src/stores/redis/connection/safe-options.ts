// The options of ioredis that hold under faults, each set verified as a whole.
import type { ClusterOptions, RedisOptions } from 'ioredis';

/**
 * For `new Redis({ host, port, ...safeRedisOptions() })`, standalone or behind Sentinel. They were verified together:
 * lost replies, black holes, frozen masters, failovers, restarts. Change none alone. Behind Sentinel call `connect()` again
 * when such a client emits `end` and you did not close it: ioredis gives up where a failover interrupts its connecting.
 */
export function safeRedisOptions(callTimeoutMs = 1_000) {
  return {
    // Plain replies, and no CLIENT SETINFO: either hides what a server says that refuses the connection.
    protocol: 2 as const,
    disableClientInfo: true,
    // Leaving a silent server is safety: a frozen master that wakes up acknowledges what is lost already.
    connectTimeout: Math.max(1_000, callTimeoutMs),
    commandTimeout: callTimeoutMs,
    socketTimeout: callTimeoutMs * 1.5,
    keepAlive: 5_000,
    // An end that the other side does not confirm is an end all the same.
    disconnectTimeout: 500,
    // A command is sent once, or not at all.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    // A server that loads its data guesses how long that takes, and may be ready long before.
    maxLoadingRetryTime: 500,
    enableAutoPipelining: false,
    lazyConnect: true,
    // Always a number: whatever was wrong may be repaired. Short pauses: one connection attempt costs a server little.
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times - 1, 4), 500) + Math.random() * 100,
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? (1 as const) : (false as const)),
    sentinelRetryStrategy: (times: number) => Math.min(times * 50, 500),
    sentinelReconnectStrategy: (times: number) => Math.min(times * 100, 2_000),
    sentinelCommandTimeout: callTimeoutMs,
    failoverDetector: true,
  } satisfies RedisOptions;
}

/**
 * For `new Cluster(nodes, safeClusterOptions())`. The client re-sends where a slot has moved or a master has died, as it
 * has to; every call of the store is safe to repeat. Asking for the slots every two seconds heals a map that went wrong.
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
