// startReplicaPair: a master and a replica, with a fault proxy between them.
import { type FaultProxy, startFaultProxy } from '../proxy/fault-proxy.js';
import { type RedisServer, replicaArgs } from './redis-server.js';
import { startAsGroup } from './server-group.js';
import { waitUntilInSync } from './wait-until.js';

export interface StartReplicaPairOptions {
  /** Further arguments of both servers. They take precedence over the defaults. */
  readonly args?: readonly string[];
}

export interface ReplicaPair {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The proxy through which the replica reaches the master. `link.blackHole()` stops the replication without a sign to either. */
  readonly link: FaultProxy;
  /** Stops both servers and the proxy. */
  stop(): Promise<void>;
}

/**
 * Starts a master and a replica. Resolves when the replica is in sync.
 *
 * @example
 * ```ts
 * import { startReplicaPair } from '@onceguard/testing';
 *
 * const { master, replica, link, stop } = await startReplicaPair();
 * link.blackHole(); // from now on the replica misses every write
 * await master.command('SET', 'order-1', 'paid');
 * console.log(await replica.command('GET', 'order-1')); // null
 * await stop();
 * ```
 */
export async function startReplicaPair({ args = [] }: StartReplicaPairOptions = {}): Promise<ReplicaPair> {
  return await startAsGroup(async (group) => {
    const master = await group.startServer({ args });
    const link = await group.add(startFaultProxy(master.url), async (proxy) => await proxy.close());
    const replica = await group.startServer({ args: [...replicaArgs(link.port), ...args] });
    await waitUntilInSync([master, replica]);
    return { master, replica, link, stop: async () => await group.stop() };
  });
}
