// One row of the table of losses: a setting of Redis, a fault, and how the losses are measured.
import { RedisStore } from '@onceguard/core/redis';
import type { Losses } from './counted-operations.js';

export interface LossRow {
  readonly setting: string;
  readonly fault: string;
  /** How many of the acknowledged operations run again, where that is certain. */
  readonly runAgain?: 'none' | 'some' | 'all';
  /** Runs about this many operations before the fault. */
  measure(count: number): Promise<Losses>;
}

export async function withStore<Result>(
  options: Parameters<typeof RedisStore.connect>[0],
  use: (store: RedisStore) => Promise<Result>,
): Promise<Result> {
  const store = await RedisStore.connect(options);
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}
