// The environment of a run: its own Redis, the load generator, and servers under test; and their cleanup.
import { randomUUID } from 'node:crypto';
import { type RedisServer, startRedis } from '@onceguard/testing';
import { findRedisBinary } from '../../packages/testing/src/servers/server-process.js';
import { installRedis } from '../../test/support/install-redis.js';
import { ChildProcessClient } from '../processes/child-process.js';
import type { LoadRequest, LoadResult } from '../processes/load-generator.js';
import type { Usage, UsageRequest } from '../processes/server.js';
import type { Row, StoreLocation } from '../row.js';
import { RedisCostMeter } from './redis-cost-meter.js';

export interface Server {
  readonly row: Row;
  readonly url: string;
  usage(question?: UsageRequest): Promise<Usage>;
  stop(): Promise<void>;
}

export class BenchEnvironment {
  readonly redis: RedisCostMeter;
  readonly storeLocation: StoreLocation;
  readonly #loader: ChildProcessClient;
  readonly #cleanups: (() => Promise<void>)[];

  private constructor(redis: RedisServer, loader: ChildProcessClient) {
    this.redis = new RedisCostMeter([redis.url]);
    this.storeLocation = { redisUrl: redis.url };
    this.#loader = loader;
    this.#cleanups = [async () => await redis.stop(), async () => this.redis.close(), async () => await loader.stop()];
  }

  /** Runs `work`, and cleans up however it ends. */
  static async use<Result>(work: (environment: BenchEnvironment) => Promise<Result>): Promise<Result> {
    if (!findRedisBinary()) installRedis();
    const redis = await startRedis();
    const environment = new BenchEnvironment(redis, new ChildProcessClient('load-generator', []));
    let exit: Promise<never> | null = null;
    const interrupted = (signal: NodeJS.Signals) => {
      exit ??= environment.#close().then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    };
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    try {
      await environment.#loader.ready();
      return await work(environment);
    } catch (error) {
      // A signal that ends the run must not report a failure of the work.
      if (exit !== null) await exit;
      throw error;
    } finally {
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      await environment.#close();
    }
  }

  /** Starts a row in its own process; it ends with the environment, if not before. */
  async startServer(row: Row, location: StoreLocation = this.storeLocation): Promise<Server> {
    const args = [row.name, JSON.stringify(location)];
    const child = new ChildProcessClient('server', args);
    const stop = async () => await child.stop();
    this.#cleanups.push(stop);
    const { port } = await child.ready<{ port: number }>();
    const usage = async (question: UsageRequest = {}) => await child.request<Usage>(question);
    return { row, url: `http://127.0.0.1:${port}`, usage, stop };
  }

  async sendLoad(order: LoadRequest): Promise<LoadResult> {
    return await this.#loader.request<LoadResult>(order);
  }

  /** Registers a cleanup for the end of the environment. */
  onEnd(end: () => Promise<void>): void {
    this.#cleanups.push(end);
  }

  async #close(): Promise<void> {
    for (const end of this.#cleanups.splice(0).reverse()) await end();
  }
}

/** A prefix for keys that nobody else uses. */
export function newPrefix(): string {
  return randomUUID().slice(0, 23);
}
