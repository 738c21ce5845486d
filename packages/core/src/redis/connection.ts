// A connection that the store owns: ioredis with the options that hold under faults.
import type { Redis, RedisOptions } from 'ioredis';
import { z } from 'zod';
import { ConfigurationError, StoreError } from '../errors.js';
import { warnOnce } from '../events.js';
import { parseOptions } from '../options.js';
import type { RedisClient } from './client.js';
import { failureClass } from './failure.js';
import { prefixSchema, storeTimeoutSchema } from './options.js';

/**
 * Where Redis is and who connects; everything else is the store's choice. For other settings make a client yourself
 * and pass it to `new RedisStore({ client })`.
 */
export interface ConnectOptions
  extends Pick<RedisOptions, 'host' | 'port' | 'path' | 'family' | 'username' | 'password' | 'db' | 'tls'> {
  /** `redis://` or `rediss://`, without a query. What it says wins over what is said beside it. */
  readonly url?: string | undefined;
  readonly connectionName?: string | undefined;
  /** As for the constructor. */
  readonly prefix?: string | undefined;
  readonly storeTimeoutMs?: number | undefined;
}

type SettledOptions = Omit<RedisOptions, 'replyMapping'>;

const connectSchema = z.strictObject({
  url: z
    .string()
    // ioredis takes a query for options, and would let it win over the safe ones.
    .regex(
      /^rediss?:\/\/[^?#]+$/,
      'it must begin with redis:// or rediss:// and have no query; options have names here',
    )
    .optional(),
  host: z.string().min(1).optional(),
  port: z.int().min(1).max(65_535).optional(),
  path: z.string().min(1).optional(),
  family: z.literal([0, 4, 6]).optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  db: z.int().min(0).optional(),
  tls: z.looseObject({}).optional(),
  connectionName: z.string().optional(),
  prefix: prefixSchema,
  storeTimeoutMs: storeTimeoutSchema,
});

/** The client of a store that called `connect`: it knows why it is not connected. */
export class RedisConnection implements RedisClient {
  readonly #redis: Redis;
  #lastError: Error | null = null;

  static async open(target: string | ConnectOptions) {
    const given = typeof target === 'string' ? { url: target } : target;
    const { url, prefix, storeTimeoutMs, ...where } = parseOptions('RedisStore.connect()', connectSchema, given);
    const Redis = await loadRedis();
    const options = { ...where, ...safeOptions(storeTimeoutMs) } as SettledOptions;
    const redis = url === undefined ? new Redis(options) : new Redis(url, options);
    const connection = new RedisConnection(redis);
    await connection.#untilReady(storeTimeoutMs);
    return { connection, prefix, storeTimeoutMs };
  }

  private constructor(redis: Redis) {
    this.#redis = redis;
    redis.on('error', (error: Error) => (this.#lastError = error));
    redis.on('ready', () => (this.#lastError = null));
  }

  get status(): string {
    return this.#redis.status;
  }

  get options(): RedisOptions {
    return this.#redis.options;
  }

  async callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown> {
    if (this.#redis.status !== 'ready') throw this.#notConnected();
    return await this.#redis.callBuffer(command, args);
  }

  /** Lets calls that are under way end, within their own deadline. */
  async close(): Promise<void> {
    await this.#redis.quit().catch(() => undefined);
    this.#redis.disconnect();
  }

  /** Nothing was sent. What stood in the way of connecting says whether time can help or somebody has to. */
  #notConnected(): StoreError {
    const cause = this.#lastError?.message ?? 'the connection was lost, or is still being made';
    const refused = failureClass(cause) === 'misconfigured';
    return new StoreError(refused ? 'misconfigured' : 'unavailable', `Redis is not connected: ${cause}`);
  }

  async #untilReady(ms: number): Promise<void> {
    const ready = new Promise((resolve) => this.#redis.once('ready', resolve));
    // It rejects although ioredis goes on connecting; the error listener has heard why.
    this.#redis.connect().catch(() => undefined);
    const timer = new Promise((resolve) => setTimeout(resolve, ms).unref());
    await Promise.race([ready, timer]);
    if (this.status === 'ready') return;
    warnOnce(
      'redis_not_connected',
      `${this.#notConnected().message}. RedisStore keeps trying; until then its calls fail.`,
    );
  }
}

/** Verified under faults as a set: lost replies, black holes, failovers, restarts. Change none alone. */
function safeOptions(storeTimeoutMs: number): SettledOptions {
  return {
    // Plain replies, and no CLIENT SETINFO: either hides what a server says that refuses the connection.
    protocol: 2,
    disableClientInfo: true,
    // Leaving a silent server is safety: a frozen master that wakes up acknowledges what is lost already.
    connectTimeout: Math.max(1_000, storeTimeoutMs),
    commandTimeout: storeTimeoutMs,
    socketTimeout: storeTimeoutMs * 1.5,
    keepAlive: 5_000,
    // A command is sent once, or not at all.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    enableAutoPipelining: false,
    lazyConnect: true,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times - 1, 10), 2_000) + Math.random() * 200,
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  };
}

async function loadRedis(): Promise<typeof Redis> {
  try {
    return (await import('ioredis')).Redis;
  } catch (cause) {
    const remedy = 'Install it (npm install ioredis), or pass a client to new RedisStore({ client }).';
    throw new ConfigurationError('option_invalid', `RedisStore.connect() needs the package ioredis. ${remedy}`, {
      cause,
    });
  }
}
