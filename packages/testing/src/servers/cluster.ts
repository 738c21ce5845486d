// startRedisCluster: a Redis Cluster on this machine, to break and to reshard in tests.
import { type ClusterNode, findClusterProblem, slotCount } from './cluster-nodes.js';
import { moveSlots } from './move-slots.js';
import { type Address, addressOf, type RedisServer } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntil } from './wait-until.js';

export interface StartRedisClusterOptions {
  /** The number of masters. Default: 3, the minimum for a failover. */
  readonly masters?: number;
  /** The number of replicas of each master. Default: 1. */
  readonly replicasPerMaster?: number;
  /** After how many milliseconds of silence the other nodes consider a node failed. Default: 1,000. */
  readonly nodeTimeoutMs?: number;
  /** Further arguments of every node. They take precedence over the defaults. */
  readonly args?: readonly string[];
}

export interface RedisCluster {
  /** All nodes: first the masters, then the replicas. */
  readonly nodes: readonly ClusterNode[];
  /** The masters at the start; a failover changes the roles. Each has an equal share of the slots, in this order. */
  readonly masters: readonly ClusterNode[];
  /** The replicas at the start. Replica n follows master n modulo the number of masters. */
  readonly replicas: readonly ClusterNode[];
  /** The addresses of all nodes, in the form that clients take. */
  readonly addresses: readonly Address[];
  /**
   * Resolves when the running nodes report that the cluster is ok, agree about all roles, have all slots among themselves, and are in
   * sync. After a node was killed or frozen, that is only so once its replica has replaced it, because its slots are missing until then.
   * Rejects after a minute.
   */
  waitUntilOk(): Promise<void>;
  /**
   * Moves slots and their keys from one master to another, one slot after the other, while the cluster works. `slots` are the slots to
   * move, or how many of the slots of `from`. Resolves with the slots that were moved.
   */
  moveSlots(slots: number | readonly number[], from: ClusterNode, to: ClusterNode): Promise<readonly number[]>;
  /** Stops all nodes and removes their directories. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster. Resolves when it is ok and its replicas are in sync, after about three seconds. Needs `redis-server` or
 * `valkey-server` on the PATH, and the package `ioredis`.
 *
 * @example
 * ```ts
 * import { RedisStore } from '@onceguard/core/redis';
 * import { startRedisCluster } from '@onceguard/testing';
 *
 * const cluster = await startRedisCluster();
 * const store = await RedisStore.connect({ cluster: cluster.addresses });
 * await cluster.masters[0]?.kill();
 * await cluster.waitUntilOk(); // a replica has replaced the master
 * await store.read('order-1');
 * await store.close();
 * await cluster.stop();
 * ```
 */
export async function startRedisCluster(options: StartRedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters: masterCount = 3, replicasPerMaster = 1, nodeTimeoutMs = 1_000, args = [] } = options;
  const clusterArgs = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)],
    // A replica stands for election however long it has not heard of its master: on a busy machine that may be long.
    ...['--cluster-replica-validity-factor', '0'],
  ];
  return await startAsGroup(async (group) => {
    const servers = await group.startServers(masterCount * (1 + replicasPerMaster), {
      args: [...clusterArgs, ...args],
    });
    const nodes = await Promise.all(servers.map(withNodeId));
    const [masters, replicas] = [nodes.slice(0, masterCount), nodes.slice(masterCount)];
    const waitUntilOk = async () =>
      await waitUntil('the cluster to be ok', async () => await findClusterProblem(nodes));
    await meetNodes(nodes);
    await assignSlots(masters);
    await attachReplicas(replicas, masters);
    await waitUntilOk();
    return {
      ...{ nodes, masters, replicas, addresses: nodes.map(addressOf), waitUntilOk },
      moveSlots: async (slots, from, to) => await moveSlots(nodes, slots, from, to),
      stop: async () => await group.stop(),
    };
  });
}

async function withNodeId(server: RedisServer): Promise<ClusterNode> {
  return Object.assign(server, { id: String(await server.command('CLUSTER', 'MYID')) });
}

async function meetNodes(nodes: readonly ClusterNode[]): Promise<void> {
  // With different epochs the nodes need not resolve epoch collisions first.
  await Promise.all(nodes.map(async (node, index) => await node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)));
  const pairs = nodes.flatMap((node, index) => nodes.slice(index + 1).map((peer) => [node, addressOf(peer)] as const));
  await Promise.all(pairs.map(async ([node, { host, port }]) => await node.command('CLUSTER', 'MEET', host, port)));
}

async function assignSlots(masters: readonly ClusterNode[]): Promise<void> {
  const firstSlot = (index: number) => Math.floor((index * slotCount) / masters.length);
  const slotsFor = (index: number) =>
    Array.from({ length: firstSlot(index + 1) - firstSlot(index) }, (_, offset) => firstSlot(index) + offset);
  await Promise.all(
    masters.map(async (master, index) => await master.command('CLUSTER', 'ADDSLOTS', ...slotsFor(index))),
  );
}

async function attachReplicas(replicas: readonly ClusterNode[], masters: readonly ClusterNode[]): Promise<void> {
  const attach = async (replica: ClusterNode, index: number) => {
    const master = masters[index % masters.length];
    // The replica rejects the command until it knows its master.
    await waitUntil('a replica to know its master', async () => {
      await replica.command('CLUSTER', 'REPLICATE', master?.id ?? '');
      return null;
    });
  };
  await Promise.all(replicas.map(attach));
}
