// Pays each order of a range once, in transactions on the file that also has the payments. It reports each order that is paid.
import { makeIdempotent } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';

interface Settings {
  readonly path: string;
  readonly orders: number;
}

const { path, orders }: Settings = JSON.parse(process.argv[2] ?? '');
const store = await SqliteStore.open(path, { callTimeoutMs: 30_000 });
const transaction = store.transactions();

const pay = makeIdempotent(
  async (order: number, context) => {
    transaction.of(context).prepare('INSERT INTO payments (order_number) VALUES (?)').run(order);
    // The transaction stays open over a turn of the event loop, in which the process may be killed.
    await new Promise((resolve) => setImmediate(resolve));
    return { order };
  },
  { store, scope: 'orders', key: (order) => `order-${order}`, transaction },
);

for (let order = 0; order < orders; order += 1) process.send?.({ order: (await pay(order)).order });
await store.close();
process.disconnect();
