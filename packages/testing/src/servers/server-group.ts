// Several servers that start and stop as one.
import { type RedisServer, type StartRedisOptions, startRedis } from './redis-server.js';

export class ServerGroup {
  readonly #stops: Promise<() => Promise<void>>[] = [];

  async startServer(options: StartRedisOptions): Promise<RedisServer> {
    return await this.add(startRedis(options), async (server) => await server.stop());
  }

  async startServers(count: number, options: StartRedisOptions): Promise<RedisServer[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.startServer(options)));
  }

  /** Takes in what starts, along with how to end it. */
  async add<Member>(start: Promise<Member>, end: (member: Member) => Promise<void>): Promise<Member> {
    this.#stops.push(start.then((member) => async () => await end(member)));
    return await start;
  }

  /** Ends all members, also those that are still starting. */
  async stop(): Promise<void> {
    const started = await Promise.allSettled(this.#stops);
    await Promise.all(started.map(async (one) => one.status === 'fulfilled' && (await one.value())));
  }
}

/** Makes something of several servers. Where that fails, those that have started are stopped. */
export async function startAsGroup<Result>(make: (group: ServerGroup) => Promise<Result>): Promise<Result> {
  const group = new ServerGroup();
  try {
    return await make(group);
  } catch (error) {
    await group.stop();
    throw error;
  }
}
