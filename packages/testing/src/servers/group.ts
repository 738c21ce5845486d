// Several servers that start and stop as one.
import { type RedisServer, type StartRedisOptions, startRedis } from './redis-server.js';

export class Group {
  readonly #ends: Promise<() => Promise<void>>[] = [];

  async server(options: StartRedisOptions): Promise<RedisServer> {
    return await this.add(startRedis(options), async (server) => await server.stop());
  }

  async servers(count: number, options: StartRedisOptions): Promise<RedisServer[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.server(options)));
  }

  /** Takes in what starts, along with how to end it. */
  async add<Member>(start: Promise<Member>, end: (member: Member) => Promise<void>): Promise<Member> {
    this.#ends.push(start.then((member) => async () => await end(member)));
    return await start;
  }

  /** Ends all members, also those that are still starting. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#ends);
    await Promise.all(started.map(async (one) => one.status === 'fulfilled' && (await one.value())));
  }
}

/** Makes something of several servers. Where that fails, those that have started are stopped. */
export async function together<Result>(make: (group: Group) => Promise<Result>): Promise<Result> {
  const group = new Group();
  try {
    return await make(group);
  } catch (error) {
    await group.stop();
    throw error;
  }
}
