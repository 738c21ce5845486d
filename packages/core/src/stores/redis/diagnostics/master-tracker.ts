// Which servers have answered so far: one that is another now may have lost what the one before had acknowledged.

import { redactForAddress } from '../connection/redact.js';
import { type RedisNode, send } from '../connection/redis-client.js';

/** One run of a server as a master. */
export interface MasterIdentity {
  readonly runId: string;
  readonly replicationId: string;
  /** Of the master whose replica it was before; zeros where there was none. */
  readonly previousReplicationId: string;
}

/** Another server than before is the master, or the same one has started anew, with or without its data. */
export interface MasterChange {
  readonly server: string;
  /** The `run_id` of the server that had answered, and of the one that answers now. */
  readonly before: string;
  readonly after: string;
}

export class MasterTracker {
  readonly #knownMasters = new Map<string, MasterIdentity>();

  /** Takes note of the master at an address. Null: no data can be lost by what it is now. */
  observe(server: string, now: MasterIdentity): MasterChange | null {
    const there = this.#knownMasters.get(server);
    const followed = [...this.#knownMasters.values()].find(
      ({ replicationId }) => replicationId === now.previousReplicationId,
    );
    this.#knownMasters.set(server, now);
    if (there?.replicationId === now.replicationId) return null;
    if (followed !== undefined) return { server, before: followed.runId, after: now.runId };
    // A master without replicas takes a new replication id from time to time, and keeps its data.
    if (there === undefined || there.runId === now.runId) return null;
    return { server, before: there.runId, after: now.runId };
  }
}

/** Null of a replica: what it has lost it gets again. Fails as the client does. */
export async function readMasterIdentity(node: RedisNode): Promise<MasterIdentity | null> {
  const server = await readInfo(node, 'server');
  const replication = await readInfo(node, 'replication');
  if (replication.get('role') !== 'master') return null;
  return {
    runId: server.get('run_id') ?? '',
    replicationId: replication.get('master_replid') ?? '',
    previousReplicationId: replication.get('master_replid2') ?? '',
  };
}

async function readInfo(node: RedisNode, section: string): Promise<Map<string, string>> {
  const reply = await send(node, 'info', [section]);
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split('\r\n') : [];
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), redactValue(line.slice(line.indexOf(':') + 1), node)]),
  );
}

function redactValue(text: string, { options }: RedisNode): string {
  return redactForAddress(text, options);
}
