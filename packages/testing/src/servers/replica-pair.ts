// A master and a replica, and the link between them, to be cut.
import { type FaultProxy, startFaultProxy } from '../proxy/fault-proxy.js';
import { type RedisServer, replicaArgs } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntilInSync } from './wait-until.js';

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
  return await startAsGroup(async (group) => {
    const master = await group.startServer({ args });
    const link = await group.add(startFaultProxy(master.url), async (proxy) => await proxy.close());
    const replica = await group.startServer({ args: [...replicaArgs(link.port), ...args] });
    await waitUntilInSync([master, replica]);
    return { master, replica, link, stop: async () => await group.stop() };
  });
}
