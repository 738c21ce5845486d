// The options of RedisStore, and the warnings about clients that are not safe.
import { z } from 'zod';
import { warnOnce } from '../events.js';
import { milliseconds } from '../options.js';
import { isRedisClient, type RedisClient } from './client.js';

export interface RedisStoreOptions {
  /** An ioredis `Redis` or `Cluster`. The store does not close it. */
  readonly client: RedisClient;
  /** What the names of all keys begin with. Default `onceguard:`. Stores that share a prefix share their records. */
  readonly prefix?: string | undefined;
  /** The deadline of each call. Default 1000. */
  readonly storeTimeoutMs?: number | undefined;
}

const prefixRule = 'it must be 1 to 128 printable ASCII characters without spaces and braces, such as "onceguard:"';

export const prefixSchema = z
  .string()
  .regex(/^[\x21-\x7a\x7c\x7e]{1,128}$/, prefixRule)
  .default('onceguard:');

export const storeTimeoutSchema = milliseconds(1, 600_000).default(1_000);

const clientRule = 'it must be a client of ioredis 5 or 6, Redis or Cluster; RedisStore.connect(url) makes one';

export const storeOptionsSchema = z.strictObject({
  client: z.custom<RedisClient>(isRedisClient, clientRule),
  prefix: prefixSchema,
  storeTimeoutMs: storeTimeoutSchema,
});

/** Says once what is not safe about a client of the user's. The store holds all the same; its calls fail later or oftener. */
export function warnOfUnsafeOptions(client: RedisClient): void {
  const { options } = client;
  const isCluster = client.nodes !== undefined;
  if (options.enableOfflineQueue !== false) {
    warnOnce(
      'redis_offline_queue',
      'The Redis client queues commands while it is not connected and sends them later, when their callers are gone. ' +
        'Set enableOfflineQueue: false on the client that RedisStore is given.',
    );
  }
  if (options.maxRetriesPerRequest === null || options.redisOptions?.maxRetriesPerRequest === null) {
    warnOnce(
      'redis_unlimited_retries',
      'The Redis client repeats a command without end (maxRetriesPerRequest: null). ' +
        'Give RedisStore a client of its own with maxRetriesPerRequest: 0; the store repeats safely itself.',
    );
  }
  if (isCluster && options.enableAutoPipelining === true) {
    warnOnce(
      'redis_auto_pipelining_on_cluster',
      'The Redis Cluster client pipelines automatically; after a slot has moved, whole pipelines fail. ' +
        'Set enableAutoPipelining: false on the client that RedisStore is given.',
    );
  }
  if ((isCluster && (options.scaleReads ?? 'master') !== 'master') || options.role === 'slave') {
    warnOnce(
      'redis_reads_from_replicas',
      'The Redis client is set to read from replicas, which lag behind. ' +
        "Give RedisStore a client of its own that talks to masters: scaleReads: 'master', and no role: 'slave'.",
    );
  }
}
