// The options of RedisStore.
import * as z from 'zod';
import { milliseconds, wholeNumber } from '../../../parse-options.js';
import type { RetryQueueLimits } from '../../../store/port.js';
import { retryQueueLimitsField, storeNameField } from '../../store-options.js';
import { isRedisClient, type RedisClient } from './redis-client.js';
import type { Durability } from './replication-wait.js';

export interface RedisStoreOptions {
  /** An ioredis `Redis` or `Cluster`. The store does not close it. */
  readonly client: RedisClient;
  /** The beginning of all key names. Default `onceguard:`. Stores with the same prefix share their records. */
  readonly prefix?: string | undefined;
  /** The deadline of each call in milliseconds. Default 1000. */
  readonly callTimeoutMs?: number | undefined;
  /**
   * How many replicas must confirm each acquisition, renewal, checkpoint, outcome and replay. If they do not confirm in time,
   * no work runs, and a result counts as unrecorded. Default: the master's reply is enough.
   */
  readonly durability?: Durability | undefined;
  /** Names the store in events, so that several can be told apart. 1 to 100 characters. Default `redis`. */
  readonly storeName?: string | undefined;
  /** How many calls, and how many bytes of outcomes, this process keeps to retry. Default 10 000 and 64 MiB. */
  readonly retryQueueLimits?: RetryQueueLimits | undefined;
}

const prefixRule = 'it must be 1 to 128 printable ASCII characters without spaces and braces, such as "onceguard:"';

export const prefixSchema = z
  .string()
  .regex(/^[\x21-\x7a\x7c\x7e]{1,128}$/, prefixRule)
  .default('onceguard:');

export const callTimeoutSchema = milliseconds(1, 600_000).default(1_000);

const clientRule = 'it must be a client of ioredis 5 or 6, Redis or Cluster; RedisStore.connect(url) makes one';

export const durabilitySchema = z
  .strictObject({
    replicas: wholeNumber('replicas', 1, 100, 'For one replica write 1.'),
    timeoutMs: milliseconds(1, 600_000),
  })
  .optional();

export const redisStoreNameField = storeNameField.default('redis');

export const redisStoreOptionsSchema = z
  .strictObject({
    client: z.custom<RedisClient>(isRedisClient, clientRule),
    prefix: prefixSchema,
    callTimeoutMs: callTimeoutSchema,
    durability: durabilitySchema,
    storeName: redisStoreNameField,
    retryQueueLimits: retryQueueLimitsField,
  })
  .superRefine(checkDurabilityTimeout);

/** The wait for replicas must end before the call's deadline, or the store could not say that they did not confirm. */
export function checkDurabilityTimeout(
  { callTimeoutMs, durability }: { callTimeoutMs: number; durability?: Durability | undefined },
  context: z.RefinementCtx,
): void {
  if (durability === undefined || durability.timeoutMs < callTimeoutMs) return;
  const message = `it must be less than callTimeoutMs (${callTimeoutMs})`;
  context.addIssue({ code: 'custom', path: ['durability', 'timeoutMs'], message, input: durability.timeoutMs });
}
