// Sentinels, and the master and the replicas that they watch over.
import { together } from './group.js';
import { type Address, addressOf, type RedisServer, replicaOf } from './redis-server.js';
import { until, untilInSync } from './until.js';

const name = 'onceguard';

export interface StartSentinelSetOptions {
  /** How many; most of them have to agree on a failover. Default 3. */
  readonly sentinels?: number;
  /** How many. Default 1. */
  readonly replicas?: number;
  /** How long a master is silent before it counts as down. Default 1,000. */
  readonly downAfterMs?: number;
  /** Half of the time before a failover that did not succeed is tried again. Default 5,000. */
  readonly failoverTimeoutMs?: number;
  /** Further arguments of the master and the replicas; they win over the defaults. */
  readonly args?: readonly string[];
}

export interface SentinelSet {
  /** By which the Sentinels know the master. */
  readonly name: string;
  readonly sentinels: readonly RedisServer[];
  /** Where the Sentinels are, as clients want it. */
  readonly addresses: readonly Address[];
  /** At the start; a failover changes the roles. */
  readonly master: RedisServer;
  readonly replicas: readonly RedisServer[];
  stop(): Promise<void>;
}

/**
 * Resolves when the replicas are in sync, and the Sentinels know them and each other: from then on there can be a failover.
 * It takes some seconds.
 */
export async function startSentinelSet(options: StartSentinelSetOptions = {}): Promise<SentinelSet> {
  const { sentinels: sentinelCount = 3, replicas: replicaCount = 1, args = [] } = options;
  return await together(async (group) => {
    const master = await group.server({ args });
    const replicas = await group.servers(replicaCount, { args: [...replicaOf(master.port), ...args] });
    await untilInSync([master, ...replicas]);
    const watch = watchArgs(master.port, sentinelCount, options);
    const sentinels = await group.servers(sentinelCount, { args: watch });
    await until('the Sentinels to know all', async () => await unknown(sentinels, replicaCount));
    const addresses = sentinels.map(addressOf);
    return { name, sentinels, addresses, master, replicas, stop: async () => await group.stop() };
  });
}

function watchArgs(masterPort: number, sentinelCount: number, options: StartSentinelSetOptions): string[] {
  const { downAfterMs = 1_000, failoverTimeoutMs = 5_000 } = options;
  const quorum = Math.floor(sentinelCount / 2) + 1;
  return [
    ...['--sentinel', 'monitor', name, '127.0.0.1', String(masterPort), String(quorum)],
    ...['--sentinel', 'down-after-milliseconds', name, String(downAfterMs)],
    ...['--sentinel', 'failover-timeout', name, String(failoverTimeoutMs)],
  ];
}

/** What a Sentinel does not know yet; null where none does not. */
async function unknown(sentinels: readonly RedisServer[], replicaCount: number): Promise<string | null> {
  for (const sentinel of sentinels) {
    const master = fieldsOf(await sentinel.command('SENTINEL', 'MASTER', name));
    const replicas = listOf(await sentinel.command('SENTINEL', 'REPLICAS', name)).map(fieldsOf);
    const healthy = replicas.filter((one) => one.flags === 'slave' && one['master-link-status'] === 'ok');
    const others = Number(master['num-other-sentinels']);
    if (master.flags !== 'master' || healthy.length < replicaCount || others < sentinels.length - 1) {
      return `${sentinel.url} knows ${JSON.stringify({ master, replicas })}`;
    }
  }
  return null;
}

/** Sentinel answers with names and values in turn. */
function fieldsOf(reply: unknown): Readonly<Record<string, string>> {
  const words = listOf(reply).map(String);
  return Object.fromEntries(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? '']] : [])));
}

function listOf(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
