// A Redis Cluster on this machine: masters, each with its replicas, to break and to reshard.
import { findClusterProblem, slotCount } from './cluster-nodes.js';
import { moveSlots } from './move-slots.js';
import { type Address, addressOf, type RedisServer } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntil } from './wait-until.js';

export interface StartRedisClusterOptions {
  /** How many. Default 3, the fewest that can replace one that is lost. */
  readonly masters?: number;
  /** How many replicas each of them has. Default 1. */
  readonly replicasPerMaster?: number;
  /** How long a node is silent before the others take it for failed. Default 1,000. */
  readonly nodeTimeoutMs?: number;
  /** Further arguments of all nodes; they win over the defaults. */
  readonly args?: readonly string[];
}

export interface ClusterNode extends RedisServer {
  /** By which the nodes know each other: the answer to CLUSTER MYID at the start. */
  readonly id: string;
}

export interface RedisCluster {
  /** The masters, then the replicas. */
  readonly nodes: readonly ClusterNode[];
  /** At the start; a failover changes the roles. Each holds an equal part of the slots, in this order. */
  readonly masters: readonly ClusterNode[];
  /** At the start. Replica n follows master n, counted round. */
  readonly replicas: readonly ClusterNode[];
  /** Where the nodes are, as clients want it. */
  readonly addresses: readonly Address[];
  /**
   * Resolves when the nodes that run say that the cluster is ok, agree about who is who, hold all slots among themselves,
   * and are in sync. Nodes that were killed or frozen need not be replaced before they are taken for failed: then their
   * slots are missed. Rejects after 30 s.
   */
  waitUntilOk(): Promise<void>;
  /**
   * Moves slots with all that is in them from one master to another while the cluster is at work, one after the other:
   * these, or so many of those that `from` holds. Answers with which.
   */
  moveSlots(slots: number | readonly number[], from: ClusterNode, to: ClusterNode): Promise<readonly number[]>;
  stop(): Promise<void>;
}

/** Resolves when the cluster is ok and its replicas are in sync, after about three seconds. */
export async function startRedisCluster(options: StartRedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters: masterCount = 3, replicasPerMaster = 1, nodeTimeoutMs = 1_000, args = [] } = options;
  const clusterArgs = ['--cluster-enabled', 'yes', '--cluster-node-timeout', String(nodeTimeoutMs)];
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
  // With epochs of their own they need not settle first which of two gives way.
  await Promise.all(nodes.map(async (node, at) => await node.command('CLUSTER', 'SET-CONFIG-EPOCH', at + 1)));
  const pairs = nodes.flatMap((node, at) => nodes.slice(at + 1).map((other) => [node, addressOf(other)] as const));
  await Promise.all(pairs.map(async ([node, { host, port }]) => await node.command('CLUSTER', 'MEET', host, port)));
}

async function assignSlots(masters: readonly ClusterNode[]): Promise<void> {
  const begin = (at: number) => Math.floor((at * slotCount) / masters.length);
  const share = (at: number) => Array.from({ length: begin(at + 1) - begin(at) }, (_, more) => begin(at) + more);
  await Promise.all(masters.map(async (master, at) => await master.command('CLUSTER', 'ADDSLOTS', ...share(at))));
}

async function attachReplicas(replicas: readonly ClusterNode[], masters: readonly ClusterNode[]): Promise<void> {
  const follows = async (replica: ClusterNode, at: number) => {
    const master = masters[at % masters.length];
    // It refuses until it has heard of its master.
    await waitUntil('a replica to know its master', async () => {
      await replica.command('CLUSTER', 'REPLICATE', master?.id ?? '');
      return null;
    });
  };
  await Promise.all(replicas.map(follows));
}
