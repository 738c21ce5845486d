// Several servers that start and stop together.
import { type RedisServer, type StartRedisOptions, startRedis } from './redis-server.js';

export class ServerGroup {
  readonly #stops: Promise<() => Promise<void>>[] = [];

  async startServer(options: StartRedisOptions): Promise<RedisServer> {
    return await this.add(startRedis(options), async (server) => await server.stop());
  }

  async startServers(count: number, options: StartRedisOptions): Promise<RedisServer[]> {
    return await Promise.all(Array.from({ length: count }, async () => await this.startServer(options)));
  }

  /** Adds a member that is starting, and the function that stops it. */
  async add<Member>(start: Promise<Member>, stop: (member: Member) => Promise<void>): Promise<Member> {
    this.#stops.push(start.then((member) => async () => await stop(member)));
    return await start;
  }

  /** Stops all members, also those that are still starting. */
  async stop(): Promise<void> {
    const stops = await Promise.allSettled(this.#stops);
    await Promise.all(stops.map(async (result) => result.status === 'fulfilled' && (await result.value())));
  }
}

/** Starts several servers with `start`. If that fails, stops those that have started. */
export async function startAsGroup<Result>(start: (group: ServerGroup) => Promise<Result>): Promise<Result> {
  const group = new ServerGroup();
  try {
    return await start(group);
  } catch (error) {
    await group.stop();
    throw error;
  }
}
