// An owner that reports when its payment begins, ends it when told to, and reports the outcome.
import { once } from 'node:events';
import { executeIdempotently, type OperationContext } from '@onceguard/core';
import { RedisStore } from '@onceguard/core/redis';

const { url, prefix }: { url: string; prefix: string } = JSON.parse(process.argv[2] ?? '');
const store = await RedisStore.connect({ url, prefix });
const pay = async ({ signal }: OperationContext) => {
  process.send?.('begun');
  await once(process, 'message');
  return signal.aborted ? 'paid too late' : 'paid in time';
};
process.send?.(await executeIdempotently(pay, { store, scope: 'faults', key: 'order', leaseMs: 1_000 }));
await store.close();
process.disconnect();
