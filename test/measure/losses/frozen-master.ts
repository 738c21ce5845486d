// A master is frozen until its Sentinels have replaced it, and then wakes up.
import { setTimeout as pause } from 'node:timers/promises';
import { RedisStore, safeRedisOptions } from '@onceguard/core/redis';
import { type RedisServer, type SentinelSet, startSentinelSet } from '@onceguard/testing';
import { Redis, type RedisOptions } from 'ioredis';
import { CountedOperations, type Losses } from './counted-operations.js';
import { type LossRow, withStore } from './loss-row.js';

/** For how long operations continue after the master woke up. Its Sentinels demote it some seconds later. */
const runAfterThawMs = 4_000;
const intervalMs = 8;

const fault = 'master frozen, failover, master awake';

export const frozenMasters: readonly LossRow[] = [
  { setting: 'safe client options', fault, measure: (count) => measureFrozenMaster(count, safeRedisOptions()) },
  { setting: 'default client options', fault, measure: (count) => measureFrozenMaster(count, {}) },
];

async function measureFrozenMaster(count: number, options: Omit<RedisOptions, 'replyMapping'>): Promise<Losses> {
  const set = await startSentinelSet();
  const client = new Redis({ ...options, sentinels: [...set.addresses], name: set.masterName, lazyConnect: true });
  client.on('error', () => {});
  const end = new AbortController();
  try {
    await client.connect();
    const store = new RedisStore({ client });
    const operations = new CountedOperations();
    await operations.run(store, { count });
    set.master.freeze();
    const running = operations.run(store, { intervalMs, signal: end.signal });
    const promoted = await currentMaster(set);
    set.master.thaw();
    await pause(runAfterThawMs);
    end.abort();
    await running;
    return await withStore(promoted.url, async (then) => await operations.losses(then));
  } finally {
    end.abort();
    client.disconnect();
    await set.stop();
  }
}

/** The replica that is the master now, once all Sentinels agree. */
async function currentMaster({ masterName, sentinels, replicas }: SentinelSet): Promise<RedisServer> {
  for (;;) {
    const addresses = await Promise.all(
      sentinels.map(async (sentinel) =>
        String(await sentinel.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)),
      ),
    );
    const master = replicas.find(({ port }) => addresses.every((address) => address === `127.0.0.1,${port}`));
    if (master !== undefined) return master;
    await pause(50);
  }
}
