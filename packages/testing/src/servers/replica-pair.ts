// A master and a replica, and the link between them, to be cut.
import { type FaultProxy, startFaultProxy } from '../proxy/fault-proxy.js';
import { together } from './group.js';
import { type RedisServer, replicaOf } from './redis-server.js';
import { untilInSync } from './until.js';

export interface StartReplicaPairOptions {
  /** Further arguments of both servers; they win over the defaults. */
  readonly args?: readonly string[];
}

export interface ReplicaPair {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** On the way from the replica to the master: `link.blackHole()` stops the replication, and neither notices. */
  readonly link: FaultProxy;
  stop(): Promise<void>;
}

/** Resolves when the replica is in sync. */
export async function startReplicaPair({ args = [] }: StartReplicaPairOptions = {}): Promise<ReplicaPair> {
  return await together(async (group) => {
    const master = await group.server({ args });
    const link = await group.add(startFaultProxy(master.url), async (proxy) => await proxy.close());
    const replica = await group.server({ args: [...replicaOf(link.port), ...args] });
    await untilInSync([master, replica]);
    return { master, replica, link, stop: async () => await group.stop() };
  });
}
