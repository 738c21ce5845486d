// Identifies one run of a server as a master, by the ids in its INFO.
import { redactForAddress } from '../connection/redact.js';
import { type RedisNode, send } from '../connection/redis-client.js';
import { parseInfo } from '../wire/parse-info.js';

/** One run of a server as a master. */
export interface MasterIdentity {
  readonly runId: string;
  readonly replicationId: string;
  /** The id of the master that it replicated before it was promoted; zeros if there was none. */
  readonly previousReplicationId: string;
}

/** Null: the server is a replica, which gets lost data again from its master. Rejects as the client does. */
export async function readMasterIdentity(node: RedisNode): Promise<MasterIdentity | null> {
  const server = parseInfo(await send(node, 'info', ['server']));
  const replication = parseInfo(await send(node, 'info', ['replication']));
  if (replication.get('role') !== 'master') return null;
  const idOf = (fields: ReadonlyMap<string, string>, name: string) =>
    redactForAddress(fields.get(name) ?? '', node.options);
  return {
    runId: idOf(server, 'run_id'),
    replicationId: idOf(replication, 'master_replid'),
    previousReplicationId: idOf(replication, 'master_replid2'),
  };
}
