// Moves slots of a cluster from one master to another, as `redis-cli --cluster reshard` does.
import type { Redis } from 'ioredis';
import type { ClusterNode } from './cluster.js';
import { readClusterNodes, slotsOf } from './cluster-nodes.js';
import { connectTo } from './redis-connection.js';
import { addressOf } from './redis-server.js';
import { waitUntil } from './wait-until.js';

const migrateBatchSize = 100;
const migrateTimeoutMs = 5_000;

/** A connection to a node that is master. */
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
  const lines = await readClusterNodes(from);
  const own = lines.filter(({ flags }) => flags.includes('myself')).flatMap(slotsOf);
  const moved = typeof slots === 'number' ? own.slice(0, slots) : slots;
  const masterIds = lines.filter(({ flags }) => flags.includes('master')).map(({ id }) => id);
  const informed = nodes.filter(({ id, state }) => state === 'running' && masterIds.includes(id));
  const masters: MasterConnection[] = [];
  try {
    for (const node of informed) masters.push({ node, redis: await connectTo(node.url) });
    for (const slot of moved) await moveSlot(slot, findMaster(from, masters), findMaster(to, masters), masters);
  } finally {
    for (const { redis } of masters) redis.disconnect();
  }
  await waitUntilSlotsKnown(nodes, moved, to);
  return moved;
}

/**
 * Replicas learn from the new owner who has a slot, and believe it only while no other master has a newer configuration. So the next
 * move, which gives another master one, must wait for them: else they could hold to the old owner for ever.
 */
async function waitUntilSlotsKnown(
  nodes: readonly ClusterNode[],
  moved: readonly number[],
  to: ClusterNode,
): Promise<void> {
  await waitUntil('all nodes to know who has the slots that were moved', async () => {
    const running = nodes.filter(({ state }) => state === 'running');
    const views = await Promise.all(
      running.map(async (node) => (await readClusterNodes(node)).find(({ id }) => id === to.id)),
    );
    const behind = running.filter((_, at) => {
      const line = views[at];
      const known = new Set(line === undefined ? [] : slotsOf(line));
      return moved.some((slot) => !known.has(slot));
    });
    return behind.length === 0 ? null : `not known to ${behind.map(({ url }) => url).join(', ')}`;
  });
}

function findMaster(node: ClusterNode, masters: readonly MasterConnection[]): MasterConnection {
  const found = masters.find((master) => master.node.id === node.id);
  if (found === undefined) throw new Error(`${node.url} is no master that runs: slots move between two of them.`);
  return found;
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
  // The target first: when the source forgets the slot, somebody must have it.
  for (const master of new Set([target, source, ...masters])) await setSlot(master, slot, 'NODE', target.node.id);
}

async function setSlot({ redis }: MasterConnection, slot: number, how: string, id: string): Promise<void> {
  await redis.call('CLUSTER', 'SETSLOT', slot, how, id);
}
