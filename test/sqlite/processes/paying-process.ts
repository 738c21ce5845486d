// Pays each order of a range once, together with other processes on the same file. It reports each order that is paid.
import { appendFileSync } from 'node:fs';
import { InProgressError, makeIdempotent } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';

interface Settings {
  readonly path: string;
  /** One line is appended for each payment that is made. */
  readonly ledger: string;
  readonly orders: number;
  readonly leaseMs: number;
}

const { path, ledger, orders, leaseMs }: Settings = JSON.parse(process.argv[2] ?? '');
const store = await SqliteStore.open(path, { callTimeoutMs: 30_000 });

const pay = makeIdempotent(
  async (order: number) => {
    appendFileSync(ledger, `${order}\n`);
    return { order };
  },
  { store, scope: 'orders', key: (order) => `order-${order}`, leaseMs, onInProgress: { waitMs: 60_000 } },
);

for (let order = 0; order < orders; order += 1) {
  const paid = await pay(order).catch((error: unknown) => {
    if (error instanceof InProgressError) return null;
    throw error;
  });
  if (paid !== null) process.send?.({ order: paid.order });
}
await store.close();
process.disconnect();
