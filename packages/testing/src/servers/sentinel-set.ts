// startSentinelSet: a master, its replicas, and Sentinels that monitor them.
import { type Address, addressOf, type RedisServer, replicaArgs } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntil, waitUntilInSync } from './wait-until.js';

const masterName = 'onceguard';

export interface StartSentinelSetOptions {
  /** The number of Sentinels. A majority of them has to agree on a failover. Default: 3. */
  readonly sentinels?: number;
  /** The number of replicas. Default: 1. */
  readonly replicas?: number;
  /** After how many milliseconds of silence a master counts as down. Default: 1,000. */
  readonly downAfterMs?: number;
  /** Half of the time, in milliseconds, until a failed failover is tried again. Default: 5,000. */
  readonly failoverTimeoutMs?: number;
  /** Further arguments of the master and the replicas. They take precedence over the defaults. */
  readonly args?: readonly string[];
}

export interface SentinelSet {
  /** The name of the master in the Sentinels' configuration. Clients call this option `name`. */
  readonly masterName: string;
  readonly sentinels: readonly RedisServer[];
  /** The addresses of the Sentinels, in the form that clients take. */
  readonly addresses: readonly Address[];
  /** The master at the start; a failover changes the roles. */
  readonly master: RedisServer;
  /** The replicas at the start. */
  readonly replicas: readonly RedisServer[];
  /** Stops all servers and removes their directories. */
  stop(): Promise<void>;
}

/**
 * Starts the servers. Resolves when the replicas are in sync and the Sentinels know them and each other, after some seconds. From then on
 * a failover can succeed.
 *
 * @example
 * ```ts
 * import { RedisStore } from '@onceguard/core/redis';
 * import { startSentinelSet } from '@onceguard/testing';
 *
 * const { addresses, masterName, stop } = await startSentinelSet();
 * const store = await RedisStore.connect({ sentinels: addresses, name: masterName });
 * await store.read('order-1');
 * await store.close();
 * await stop();
 * ```
 */
export async function startSentinelSet(options: StartSentinelSetOptions = {}): Promise<SentinelSet> {
  const { sentinels: sentinelCount = 3, replicas: replicaCount = 1, args = [] } = options;
  return await startAsGroup(async (group) => {
    const master = await group.startServer({ args });
    const replicas = await group.startServers(replicaCount, { args: [...replicaArgs(master.port), ...args] });
    await waitUntilInSync([master, ...replicas]);
    const monitorArgs = sentinelArgs(master.port, sentinelCount, options);
    const sentinels = await group.startServers(sentinelCount, { args: monitorArgs });
    await waitUntil(
      'the Sentinels to know all servers',
      async () => await findSentinelProblem(sentinels, replicaCount),
    );
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

/** What some Sentinel does not know yet; null if all know everything. */
async function findSentinelProblem(sentinels: readonly RedisServer[], replicaCount: number): Promise<string | null> {
  for (const sentinel of sentinels) {
    const master = parseFields(await sentinel.command('SENTINEL', 'MASTER', masterName));
    const replicas = toArray(await sentinel.command('SENTINEL', 'REPLICAS', masterName)).map(parseFields);
    const healthy = replicas.filter((replica) => replica.flags === 'slave' && replica['master-link-status'] === 'ok');
    const otherSentinels = Number(master['num-other-sentinels']);
    if (master.flags !== 'master' || healthy.length < replicaCount || otherSentinels < sentinels.length - 1) {
      return `${sentinel.url} knows ${JSON.stringify({ master, replicas })}`;
    }
  }
  return null;
}

/** Parses a reply of alternating names and values. */
function parseFields(reply: unknown): Readonly<Record<string, string>> {
  const words = toArray(reply).map(String);
  return Object.fromEntries(words.flatMap((word, index) => (index % 2 === 0 ? [[word, words[index + 1] ?? '']] : [])));
}

function toArray(reply: unknown): readonly unknown[] {
  return Array.isArray(reply) ? reply : [];
}
