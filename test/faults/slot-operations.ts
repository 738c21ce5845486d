// Which master has which slot of a cluster, and an operator's actions on a slot.
import type { ClusterNode, RedisCluster } from '@onceguard/testing';
import { vi } from 'vitest';

export async function slotOf(key: string, { masters }: RedisCluster): Promise<number> {
  return Number(await masters[0]?.command('CLUSTER', 'KEYSLOT', key));
}

/** The current masters, after any failovers. */
export async function mastersOf({ nodes }: RedisCluster): Promise<ClusterNode[]> {
  const running = nodes.filter(({ state }) => state === 'running');
  const roles = await Promise.all(running.map(async (node) => String(await node.command('ROLE'))));
  return running.filter((_, at) => roles[at]?.startsWith('master'));
}

/** The master that has this slot, and one that has not. */
export async function ownerOf(
  slot: number,
  cluster: RedisCluster,
): Promise<{ owner: ClusterNode; other: ClusterNode }> {
  const masters = await mastersOf(cluster);
  const isOwner = await Promise.all(masters.map(async (node) => await ownsSlot(node, slot)));
  const [owner, other] = [true, false].map((wanted) => masters[isOwner.indexOf(wanted)]);
  if (owner === undefined || other === undefined) throw new Error(`Slot ${slot} has no owner, or there is no other.`);
  return { owner, other };
}

export interface Shard {
  readonly master: ClusterNode;
  readonly replica: ClusterNode;
}

/** The master that has the slot, and its replica. */
export async function shardOf(slot: number, cluster: RedisCluster): Promise<Shard> {
  const { owner: master } = await ownerOf(slot, cluster);
  const running = cluster.nodes.filter(({ state }) => state === 'running');
  const roles = await Promise.all(running.map(async (node) => String(await node.command('ROLE')).split(',')));
  const replica = running.find((_, at) => roles[at]?.[0] === 'slave' && roles[at]?.[2] === String(master.port));
  if (replica === undefined) throw new Error(`${master.url} has no replica.`);
  return { master, replica };
}

/** From now on no node has the slot; its data stays in place, out of reach. */
export async function unassignSlot(slot: number, { nodes }: RedisCluster): Promise<void> {
  // A node that hears from the former owner once more assigns it the slot again.
  await vi.waitUntil(async () => {
    for (const node of nodes) await node.command('CLUSTER', 'DELSLOTS', slot).catch(() => null);
    const views = await Promise.all(nodes.map(async (node) => String(await node.command('CLUSTER', 'INFO'))));
    return views.every((view) => view.includes('cluster_slots_assigned:16383'));
  }, 60_000);
}

/** The slot is this master's from now on. */
export async function assignSlot(slot: number, owner: ClusterNode, cluster: RedisCluster): Promise<void> {
  for (const node of await mastersOf(cluster)) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', owner.id);
}

/** The slot is half-migrated, and stays so until it is moved. */
export async function beginMigration(slot: number, from: ClusterNode, to: ClusterNode): Promise<void> {
  await to.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
  await from.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
}

async function ownsSlot(node: ClusterNode, slot: number): Promise<boolean> {
  const lines = String(await node.command('CLUSTER', 'NODES')).split('\n');
  const ranges =
    lines
      .find((line) => line.includes('myself'))
      ?.split(' ')
      .slice(8) ?? [];
  return ranges.some((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return first <= slot && slot <= last;
  });
}
