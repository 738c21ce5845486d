// A master is lost, and its replica replaces it.
import type { Durability } from '@onceguard/core/redis';
import { startReplicaPair } from '@onceguard/testing';
import { CountedOperations, type Losses } from './counted-operations.js';
import { type LossRow, withStore } from './loss-row.js';

/** For how long operations continue after the replication was cut. */
const runAfterCutMs = 4_000;

const isCut = true;
const fault = 'replication cut, then failover';
const minReplicas = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '1'];
const durability = { replicas: 1, timeoutMs: 200 };

export const failovers: readonly LossRow[] = [
  { setting: 'a replica', fault: 'failover', measure: (count) => measureFailover(count, {}) },
  { setting: 'a replica', fault, runAgain: 'some', measure: (count) => measureFailover(count, { isCut }) },
  {
    setting: 'min-replicas-to-write 1, min-replicas-max-lag 1',
    fault,
    measure: (count) => measureFailover(count, { isCut, args: minReplicas }),
  },
  {
    setting: 'durability: { replicas: 1, timeoutMs: 200 }',
    fault,
    runAgain: 'none',
    measure: (count) => measureFailover(count, { isCut, durability }),
  },
];

interface Replication {
  /** Half of the operations come after the replication was cut unnoticed. */
  readonly isCut?: boolean;
  readonly args?: readonly string[];
  readonly durability?: Durability;
}

async function measureFailover(count: number, { isCut = false, args = [], durability }: Replication): Promise<Losses> {
  const { master, replica, link, stop } = await startReplicaPair({ args });
  try {
    const operations = new CountedOperations();
    await withStore({ url: master.url, durability }, async (store) => {
      if (isCut) {
        await operations.run(store, { count: count / 2 });
        link.blackHole();
        const signal = AbortSignal.timeout(runAfterCutMs);
        await operations.run(store, { count: count / 2, intervalMs: (runAfterCutMs / count) * 2, signal });
      } else {
        await operations.run(store, { count });
      }
      await master.kill();
    });
    await replica.command('REPLICAOF', 'NO', 'ONE');
    return await withStore(replica.url, async (store) => await operations.losses(store));
  } finally {
    await stop();
  }
}
