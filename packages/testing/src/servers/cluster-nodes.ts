// Reads the nodes' views of a cluster, and checks that they agree.
import type { RedisServer } from './redis-server.js';
import { findReplicationProblem } from './wait-until.js';

export const slotCount = 16_384;

/** A server that is a node of a cluster. */
export interface ClusterNode extends RedisServer {
  /** The node's id in the cluster: the reply to CLUSTER MYID after the start. */
  readonly id: string;
}

/** A line of CLUSTER NODES: what one node knows about one node. */
interface ClusterNodeEntry {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly masterId: string;
  /** As in the line: `0-99` or `7`. */
  readonly slotRanges: readonly string[];
}

export async function readClusterNodes(node: RedisServer): Promise<ClusterNodeEntry[]> {
  const text = String(await node.command('CLUSTER', 'NODES'));
  return text.split('\n').flatMap((line) => (line === '' ? [] : [parseNodeEntry(line)]));
}

export function slotsOf({ slotRanges }: ClusterNodeEntry): number[] {
  return slotRanges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  });
}

/** Why the running nodes are not yet a cluster that works without the other nodes; null if they are. */
export async function findClusterProblem(nodes: readonly RedisServer[]): Promise<string | null> {
  const running = nodes.filter(({ state }) => state === 'running');
  for (const node of running) {
    const info = String(await node.command('CLUSTER', 'INFO'));
    if (!info.includes('cluster_state:ok')) return `${node.url} reports ${info}`;
  }
  const ports = new Set(running.map(({ port }) => port));
  const views = await Promise.all(
    running.map(async (node) => (await readClusterNodes(node)).filter(({ port }) => ports.has(port))),
  );
  const [view = []] = views;
  const distinctViews = new Set(views.map(canonicalView));
  if (distinctViews.size > 1) return `the nodes do not agree:\n${[...distinctViews].join('\n\n')}`;
  const assigned = view.flatMap(slotsOf).length;
  if (assigned < slotCount) return `no running node has ${slotCount - assigned} of the slots`;
  return await findReplicationProblem(running);
}

/** Equal for two nodes with the same view. */
function canonicalView(entries: readonly ClusterNodeEntry[]): string {
  const lines = entries.map(({ id, flags, masterId, slotRanges }) => {
    return [id, ...flags.filter((flag) => flag !== 'myself'), masterId, ...slotRanges].join(' ');
  });
  return lines.sort().join('\n');
}

/** `<id> <host>:<port>@<bus port> <flags> <master's id> <ping> <pong> <epoch> <link> <slots>…` */
function parseNodeEntry(line: string): ClusterNodeEntry {
  const [id = '', address = '', flags = '', masterId = '', _ping, _pong, _epoch, _link, ...slots] = line.split(' ');
  const port = Number(/:(\d+)(@|$)/.exec(address)?.[1]);
  // Ranges in brackets are slots that are moving to or from another node.
  return { id, port, flags: flags.split(','), masterId, slotRanges: slots.filter((range) => !range.startsWith('[')) };
}
