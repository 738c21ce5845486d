// A master and its replica, the address at which clients find the current master, and faults for both.
import { type FaultProxy, type RedisServer, type ReplicaPair, startReplicaPair } from '@onceguard/testing';
import { vi } from 'vitest';
import type { Lab } from './lab.js';

export interface ProxiedPair extends ReplicaPair {
  /** Where clients find the master. */
  readonly proxy: FaultProxy;
}

export async function startProxiedPair(lab: Lab): Promise<ProxiedPair> {
  const pair = await startReplicaPair();
  lab.onEnd(() => pair.stop());
  return { ...pair, proxy: await lab.proxy(pair.master.url) };
}

/** Makes the replica the master, with the data that it has. */
export async function failOver({ master, replica, proxy }: ProxiedPair): Promise<void> {
  await master.kill();
  await replica.command('REPLICAOF', 'NO', 'ONE');
  proxy.retarget(replica.url);
}

/** Reconnects the replica to its master, and waits until it has all data. */
export async function resyncReplica({ master, replica, link }: ProxiedPair): Promise<void> {
  if (replica.state === 'frozen') replica.thaw();
  if (replica.state === 'down') await replica.restart();
  link.heal();
  // A connection that dropped bytes stays silent, and neither side would notice for a minute.
  link.disconnectAll();
  await untilInSync(master, replica);
}

export async function untilInSync(master: RedisServer, replica: RedisServer): Promise<void> {
  await vi.waitUntil(async () => {
    const told = [await master.command('INFO', 'replication'), await replica.command('INFO', 'replication')].map(
      String,
    );
    return told[0]?.includes('state=online') && told[1]?.includes('master_link_status:up');
  }, 60_000);
}
