// Sentinels, and the master and the replicas that they watch over.

import { type Address, addressOf, type RedisServer, replicaArgs } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntil, waitUntilInSync } from './wait-until.js';

const masterName = 'onceguard';

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
  readonly masterName: string;
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
  return await startAsGroup(async (group) => {
    const master = await group.startServer({ args });
    const replicas = await group.startServers(replicaCount, { args: [...replicaArgs(master.port), ...args] });
    await waitUntilInSync([master, ...replicas]);
    const watch = sentinelArgs(master.port, sentinelCount, options);
    const sentinels = await group.startServers(sentinelCount, { args: watch });
    await waitUntil('the Sentinels to know all', async () => await findSentinelProblem(sentinels, replicaCount));
    const addresses = sentinels.map(addressOf);
    return { masterName, sentinels, addresses, master, replicas, stop: async () => await group.stop() };
  });
}

function sentinelArgs(masterPort: number, sentinelCount: number, options: StartSentinelSetOptions): string[] {
  const { downAfterMs = 1_000, failoverTimeoutMs = 5_000 } = options;
  const quorum = Math.floor(sentinelCount / 2) + 1;
  return [
    ...['--sentinel', 'monitor', masterName, '127.0.0.1', String(masterPort), String(quorum)],
    ...['--sentinel', 'down-after-milliseconds', masterName, String(downAfterMs)],
    ...['--sentinel', 'failover-timeout', masterName, String(failoverTimeoutMs)],
  ];
}

/** What a Sentinel does not know yet; null where none does not. */
async function findSentinelProblem(sentinels: readonly RedisServer[], replicaCount: number): Promise<string | null> {
  for (const sentinel of sentinels) {
    const master = parseFields(await sentinel.command('SENTINEL', 'MASTER', masterName));
    const replicas = toArray(await sentinel.command('SENTINEL', 'REPLICAS', masterName)).map(parseFields);
    const healthy = replicas.filter((one) => one.flags === 'slave' && one['master-link-status'] === 'ok');
    const others = Number(master['num-other-sentinels']);
    if (master.flags !== 'master' || healthy.length < replicaCount || others < sentinels.length - 1) {
      return `${sentinel.url} knows ${JSON.stringify({ master, replicas })}`;
    }
  }
  return null;
}

/** Sentinel answers with names and values in turn. */
function parseFields(reply: unknown): Readonly<Record<string, string>> {
  const words = toArray(reply).map(String);
  return Object.fromEntries(words.flatMap((word, at) => (at % 2 === 0 ? [[word, words[at + 1] ?? '']] : [])));
}

function toArray(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
