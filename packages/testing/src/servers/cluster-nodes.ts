// What the nodes of a cluster say about it, and whether they agree.
import type { RedisServer } from './redis-server.js';
import { findReplicationProblem } from './wait-until.js';

export const slotCount = 16_384;

/** A line of CLUSTER NODES: what one node knows of one node. */
interface ClusterNodeEntry {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly masterId: string;
  /** As they stand there: `0-99`, `7`. */
  readonly slotRanges: readonly string[];
}

export async function readClusterNodes(node: RedisServer): Promise<ClusterNodeEntry[]> {
  const text = String(await node.command('CLUSTER', 'NODES'));
  return text.split('\n').flatMap((line) => (line === '' ? [] : [parseNodeEntry(line)]));
}

export function slotsOf({ slotRanges }: ClusterNodeEntry): number[] {
  return slotRanges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, more) => first + more);
  });
}

/** What keeps the nodes that run from being a cluster that works without the others; null where nothing does. */
export async function findClusterProblem(nodes: readonly RedisServer[]): Promise<string | null> {
  const running = nodes.filter(({ state }) => state === 'running');
  for (const node of running) {
    const info = String(await node.command('CLUSTER', 'INFO'));
    if (!info.includes('cluster_state:ok')) return `${node.url} says ${info}`;
  }
  const ports = new Set(running.map(({ port }) => port));
  const views = await Promise.all(
    running.map(async (node) => (await readClusterNodes(node)).filter(({ port }) => ports.has(port))),
  );
  const [view = []] = views;
  const pictures = new Set(views.map(canonicalView));
  if (pictures.size > 1) return `the nodes do not agree:\n${[...pictures].join('\n\n')}`;
  const held = view.flatMap(slotsOf).length;
  if (held < slotCount) return `${slotCount - held} slots are held by no node that runs`;
  return await findReplicationProblem(running);
}

/** The same for two nodes that see the same. */
function canonicalView(lines: readonly ClusterNodeEntry[]): string {
  const drawn = lines.map(({ id, flags, masterId, slotRanges }) => {
    return [id, ...flags.filter((flag) => flag !== 'myself'), masterId, ...slotRanges].join(' ');
  });
  return drawn.sort().join('\n');
}

/** `<id> <host>:<port>@<bus port> <flags> <master's id> <ping> <pong> <epoch> <link> <slots>…` */
function parseNodeEntry(line: string): ClusterNodeEntry {
  const [id = '', address = '', flags = '', masterId = '', _ping, _pong, _epoch, _link, ...slots] = line.split(' ');
  const port = Number(/:(\d+)(@|$)/.exec(address)?.[1]);
  // In brackets stand those that are on their way to or from another node.
  return { id, port, flags: flags.split(','), masterId, slotRanges: slots.filter((range) => !range.startsWith('[')) };
}
