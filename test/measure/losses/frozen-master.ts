// A master that is frozen until its Sentinels have replaced it, and then wakes up.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { type RedisServer, type SentinelSet, startSentinelSet } from '@onceguard/testing';
import { Redis, type RedisOptions } from 'ioredis';
import { type Losses, Operations } from './operations.js';
import { type Row, withStore } from './row.js';

/** For how long operations go on after the master woke up. It is told of its fate some seconds later. */
const awakeMs = 4_000;
const everyMs = 8;

const fault = 'master frozen, failover, master awake';

export const frozenMasters: readonly Row[] = [
  { setting: 'safe client options', fault, measure: (count) => thawed(count, safeRedisOptions()) },
  { setting: 'default client options', fault, measure: (count) => thawed(count, {}) },
];

async function thawed(count: number, options: Omit<RedisOptions, 'replyMapping'>): Promise<Losses> {
  const set = await startSentinelSet();
  const client = new Redis({ ...options, sentinels: [...set.addresses], name: set.name, lazyConnect: true });
  client.on('error', () => {});
  const end = new AbortController();
  try {
    await client.connect();
    const store = new RedisStore({ client });
    const operations = new Operations();
    await operations.run(store, { count });
    set.master.freeze();
    const running = operations.run(store, { everyMs, signal: end.signal });
    const promoted = await successor(set);
    set.master.thaw();
    await pause(awakeMs);
    end.abort();
    await running;
    return await withStore(promoted.url, async (then) => await operations.losses(then));
  } finally {
    end.abort();
    client.disconnect();
    await set.stop();
  }
}

/** The replica that is the master now, as all Sentinels say. */
async function successor({ name, sentinels, replicas }: SentinelSet): Promise<RedisServer> {
  for (;;) {
    const told = await Promise.all(
      sentinels.map(async (sentinel) => String(await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name))),
    );
    const found = replicas.find(({ port }) => told.every((address) => address === `127.0.0.1,${port}`));
    if (found !== undefined) return found;
    await pause(50);
  }
}
