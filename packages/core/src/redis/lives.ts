// Which servers have answered so far: one that is another now may have lost what the one before had acknowledged.
import { type RedisNode, send } from './client.js';
import { redactedFor } from './redact.js';

/** One run of a server as a master. */
export interface Life {
  readonly runId: string;
  readonly replicationId: string;
  /** Of the master whose replica it was before; zeros where there was none. */
  readonly formerId: string;
}

/** Another server than before is the master, or the same one has started anew, with or without its data. */
export interface Succession {
  readonly server: string;
  /** The `run_id` of the server that had answered, and of the one that answers now. */
  readonly before: string;
  readonly after: string;
}

export class Lives {
  readonly #known = new Map<string, Life>();

  /** Takes note of the master at an address. Null: no data can be lost by what it is now. */
  saw(server: string, now: Life): Succession | null {
    const there = this.#known.get(server);
    const followed = [...this.#known.values()].find(({ replicationId }) => replicationId === now.formerId);
    this.#known.set(server, now);
    if (there?.replicationId === now.replicationId) return null;
    if (followed !== undefined) return { server, before: followed.runId, after: now.runId };
    // A master without replicas takes a new replication id from time to time, and keeps its data.
    if (there === undefined || there.runId === now.runId) return null;
    return { server, before: there.runId, after: now.runId };
  }
}

/** Null of a replica: what it has lost it gets again. Fails as the client does. */
export async function lifeOf(node: RedisNode): Promise<Life | null> {
  const server = await infoOf(node, 'server');
  const replication = await infoOf(node, 'replication');
  if (replication.get('role') !== 'master') return null;
  return {
    runId: server.get('run_id') ?? '',
    replicationId: replication.get('master_replid') ?? '',
    formerId: replication.get('master_replid2') ?? '',
  };
}

async function infoOf(node: RedisNode, section: string): Promise<Map<string, string>> {
  const reply = await send(node, 'info', [section]);
  const lines = Buffer.isBuffer(reply) ? reply.toString('latin1').split('\r\n') : [];
  return new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')), readable(line.slice(line.indexOf(':') + 1), node)]),
  );
}

function readable(text: string, { options }: RedisNode): string {
  return redactedFor(text, options);
}
