// A webhook that arrives twice: makeIdempotent around a function. In the folder examples, after npm run build:
//
//   npx tsx webhook-handler/index.ts
import { InProgressError, KeyReusedError, MemoryStore, makeIdempotent } from '@onceguard/core';

interface PaymentEvent {
  readonly id: string;
  readonly account: string;
  readonly cents: number;
  /** When this copy was sent: differs in every delivery. */
  readonly deliveredAt: string;
}

const balances = new Map<string, number>();

const book = makeIdempotent(
  async (event: PaymentEvent) => {
    const balance = (balances.get(event.account) ?? 0) + event.cents;
    balances.set(event.account, balance);
    return { account: event.account, balance };
  },
  {
    store: new MemoryStore(),
    scope: 'payment-webhooks',
    key: (event) => event.id,
    // What must be the same in every delivery of one event.
    fingerprint: ({ account, cents }) => ({ account, cents }),
    // As long as the sender may deliver again.
    ttlMs: 7 * 86_400_000,
  },
);

/** What to answer the sender: 2xx ends redelivery, 503 asks for another one, 4xx is looked at by a person. */
async function receive(event: PaymentEvent): Promise<number> {
  try {
    const { account, balance } = await book(event);
    console.log(`${event.id}: ${account} has ${balance} cents`);
    return 200;
  } catch (error) {
    if (error instanceof InProgressError) return 503;
    if (error instanceof KeyReusedError) return 422;
    throw error;
  }
}

const event = { id: 'evt_1', account: 'alice', cents: 500, deliveredAt: '2026-01-31T10:00:00Z' };
console.log(await receive(event));
console.log(await receive({ ...event, deliveredAt: '2026-01-31T10:05:00Z' }));
console.log(await receive({ ...event, cents: 900 }));
console.log(`alice was credited ${balances.get('alice')} cents`);
