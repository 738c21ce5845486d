// Moves slots of a cluster from one master to another, as `redis-cli --cluster reshard` does.
import type { Redis } from 'ioredis';
import { type ClusterNode, readClusterNodes, slotsOf } from './cluster-nodes.js';
import { connectTo } from './redis-connection.js';
import { addressOf } from './redis-server.js';
import { waitUntil } from './wait-until.js';

const migrateBatchSize = 100;
const migrateTimeoutMs = 5_000;

/** A connection to a node that is a master. */
interface MasterConnection {
  readonly node: ClusterNode;
  readonly redis: Redis;
}

export async function moveSlots(
  nodes: readonly ClusterNode[],
  slots: number | readonly number[],
  from: ClusterNode,
  to: ClusterNode,
): Promise<readonly number[]> {
  const entries = await readClusterNodes(from);
  const ownSlots = entries.filter(({ flags }) => flags.includes('myself')).flatMap(slotsOf);
  const moved = typeof slots === 'number' ? ownSlots.slice(0, slots) : slots;
  const masterIds = entries.filter(({ flags }) => flags.includes('master')).map(({ id }) => id);
  const runningMasters = nodes.filter(({ id, state }) => state === 'running' && masterIds.includes(id));
  const masters: MasterConnection[] = [];
  try {
    for (const node of runningMasters) masters.push({ node, redis: await connectTo(node.url) });
    for (const slot of moved) await moveSlot(slot, findMaster(from, masters), findMaster(to, masters), masters);
  } finally {
    for (const { redis } of masters) redis.disconnect();
  }
  await waitUntilSlotsKnown(nodes, moved, to);
  return moved;
}

/**
 * Waits until all running nodes know who has the slots. Replicas learn it from the new owner, and accept it only while no other master
 * has a newer configuration. The next move gives another master a newer one. If it did not wait, a replica could keep the old owner for
 * good.
 */
async function waitUntilSlotsKnown(
  nodes: readonly ClusterNode[],
  moved: readonly number[],
  to: ClusterNode,
): Promise<void> {
  await waitUntil('all nodes to know the new owner of the slots', async () => {
    const running = nodes.filter(({ state }) => state === 'running');
    const views = await Promise.all(
      running.map(async (node) => (await readClusterNodes(node)).find(({ id }) => id === to.id)),
    );
    const behind = running.filter((_, index) => {
      const entry = views[index];
      const known = new Set(entry === undefined ? [] : slotsOf(entry));
      return moved.some((slot) => !known.has(slot));
    });
    return behind.length === 0 ? null : `unknown to ${behind.map(({ url }) => url).join(', ')}`;
  });
}

function findMaster(node: ClusterNode, masters: readonly MasterConnection[]): MasterConnection {
  const master = masters.find((candidate) => candidate.node.id === node.id);
  if (master === undefined)
    throw new Error(`${node.url} is not a running master; slots move between two running masters.`);
  return master;
}

async function moveSlot(
  slot: number,
  source: MasterConnection,
  target: MasterConnection,
  masters: readonly MasterConnection[],
): Promise<void> {
  await setSlot(target, slot, 'IMPORTING', source.node.id);
  await setSlot(source, slot, 'MIGRATING', target.node.id);
  const { host, port } = addressOf(target.node);
  for (;;) {
    const keys = await source.redis.callBuffer('CLUSTER', ['GETKEYSINSLOT', slot, migrateBatchSize]);
    if (!Array.isArray(keys) || keys.length === 0) break;
    await source.redis.call('MIGRATE', [host, port, '', 0, migrateTimeoutMs, 'KEYS', ...keys]);
  }
  // The target learns it first: when the source gives the slot up, another node must have it.
  for (const master of new Set([target, source, ...masters])) await setSlot(master, slot, 'NODE', target.node.id);
}

async function setSlot({ redis }: MasterConnection, slot: number, state: string, nodeId: string): Promise<void> {
  await redis.call('CLUSTER', 'SETSLOT', slot, state, nodeId);
}
