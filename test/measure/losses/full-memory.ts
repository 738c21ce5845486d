// A server whose memory is too small for what is written to it.
import { startRedis } from '@onceguard/testing';
import { CountedOperations, type Losses } from './counted-operations.js';
import { type LossRow, withStore } from './loss-row.js';

/** Twice as much as fits. */
const count = 1_500;
const result = 'x'.repeat(10_000);

const policies = ['noeviction', 'allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random'] as const;

export const fullMemory: readonly LossRow[] = policies.map((policy) => ({
  setting: policy,
  fault: 'memory full',
  ...(policy === 'noeviction' ? { runAgain: 'none' } : {}),
  measure: () => measureFullMemory(policy),
}));

async function measureFullMemory(policy: string): Promise<Losses> {
  const server = await startRedis({ args: ['--maxmemory', '8mb', '--maxmemory-policy', policy] });
  try {
    return await withStore(server.url, async (store) => {
      const operations = new CountedOperations();
      await operations.run(store, { count, result });
      // Reading must not evict.
      await server.command('CONFIG', 'SET', 'maxmemory', 0);
      return await operations.losses(store);
    });
  } finally {
    await server.stop();
  }
}
