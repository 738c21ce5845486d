// What a run needs: a Redis of its own, the load, and servers under test; and the end of them all.
import { randomUUID } from 'node:crypto';
import { type RedisServer, startRedis } from '@onceguard/testing';
import { findRedisBinary } from '../../packages/testing/src/servers/process.js';
import { installRedis } from '../../test/support/install-redis.js';
import { Child } from '../processes/child.js';
import type { Order, Sent } from '../processes/loader.js';
import type { Usage, UsageQuestion } from '../processes/server.js';
import type { Place, Row } from '../rows.js';
import { RedisSide } from './redis-side.js';

export interface Server {
  readonly row: Row;
  readonly url: string;
  usage(question?: UsageQuestion): Promise<Usage>;
  stop(): Promise<void>;
}

export class World {
  readonly redis: RedisSide;
  readonly place: Place;
  readonly #loader: Child;
  readonly #ends: (() => Promise<void>)[];

  private constructor(redis: RedisServer, loader: Child) {
    this.redis = new RedisSide([redis.url]);
    this.place = { redisUrl: redis.url };
    this.#loader = loader;
    this.#ends = [async () => await redis.stop(), async () => this.redis.close(), async () => await loader.stop()];
  }

  /** Nothing of it is left when `work` has ended, in whatever way. */
  static async during<Result>(work: (world: World) => Promise<Result>): Promise<Result> {
    if (!findRedisBinary()) installRedis();
    const redis = await startRedis();
    const world = new World(redis, new Child('loader', []));
    let exit: Promise<never> | null = null;
    const interrupted = (signal: NodeJS.Signals) => {
      exit ??= world.#close().then(() => process.exit(signal === 'SIGINT' ? 130 : 143));
    };
    process.on('SIGINT', interrupted).on('SIGTERM', interrupted);
    try {
      await world.#loader.ready();
      return await work(world);
    } catch (error) {
      // Whoever ends the run is not told that it could not go on.
      if (exit !== null) await exit;
      throw error;
    } finally {
      process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
      await world.#close();
    }
  }

  /** Starts a row in a process of its own; it ends with the world, if not before. */
  async serve(row: Row, place: Place = this.place): Promise<Server> {
    const args = [row.name, JSON.stringify(place)];
    const child = new Child('server', args);
    const stop = async () => await child.stop();
    this.#ends.push(stop);
    const { port } = await child.ready<{ port: number }>();
    const usage = async (question: UsageQuestion = { live: false }) => await child.ask<Usage>(question);
    return { row, url: `http://127.0.0.1:${port}`, usage, stop };
  }

  async send(order: Order): Promise<Sent> {
    return await this.#loader.ask<Sent>(order);
  }

  /** Ends something with the world. */
  atEnd(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async #close(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}

/** A prefix for keys that nobody else uses. */
export function newPrefix(): string {
  return randomUUID().slice(0, 23);
}
