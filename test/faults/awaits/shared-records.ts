// Records on Redis that several processes share, with a count of the runs of each key.
import { RedisStore } from '@onceguard/core/redis';
import { Redis } from 'ioredis';
import { redisUrl } from '../../support/redis.js';

export interface SharedRecords {
  /** A store without faults. */
  newStore(): RedisStore;
  /** Counts one more run, and resolves with the number of runs. */
  countRun(key: string): Promise<number>;
  runsOf(key: string): Promise<number>;
  close(): void;
}

export async function openSharedRecords(prefix: string): Promise<SharedRecords> {
  const client = new Redis(redisUrl(), { enableOfflineQueue: false, lazyConnect: true, maxRetriesPerRequest: 0 });
  await client.connect();
  const counter = (key: string) => `${prefix}runs:${key}`;
  return {
    newStore: () => new RedisStore({ client, prefix, callTimeoutMs: 10_000 }),
    countRun: async (key) => {
      const runs = await client.incr(counter(key));
      await client.pexpire(counter(key), 3_600_000);
      return runs;
    },
    runsOf: async (key) => Number(await client.get(counter(key))),
    close: () => client.disconnect(),
  };
}
