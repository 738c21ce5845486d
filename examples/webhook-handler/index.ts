// A Stripe webhook that arrives twice, handled by makeIdempotent. In the folder examples, after npm run build:
//
//   npx tsx webhook-handler/index.ts
import { InProgressError, KeyReusedError, MemoryStore, makeIdempotent } from '@onceguard/core';

/** An event as Stripe sends it, as far as it is used here. */
interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly data: { readonly object: { readonly customer: string; readonly amount_received: number } };
  /** How many deliveries are not yet acknowledged. Differs between deliveries of one event. */
  readonly pending_webhooks: number;
}

const balances = new Map<string, number>();

const book = makeIdempotent(
  async ({ data: { object: payment } }: StripeEvent) => {
    const balance = (balances.get(payment.customer) ?? 0) + payment.amount_received;
    balances.set(payment.customer, balance);
    return { customer: payment.customer, balance };
  },
  {
    store: new MemoryStore(),
    scope: 'stripe-webhooks',
    key: (event) => event.id,
    // What must be the same in every delivery of one event.
    fingerprint: ({ id, type, data }) => ({ id, type, data }),
    // As long as the sender may deliver again.
    ttlMs: 7 * 86_400_000,
  },
);

/** The response to the sender: 2xx ends redelivery, 503 asks for another delivery, a person looks at 4xx. */
async function receive(event: StripeEvent): Promise<number> {
  try {
    const { customer, balance } = await book(event);
    console.log(`${event.id}: ${customer} has ${balance} cents`);
    return 200;
  } catch (error) {
    if (error instanceof InProgressError) return 503;
    if (error instanceof KeyReusedError) return 422;
    throw error;
  }
}

const payment = { customer: 'alice', amount_received: 500 };
const event = {
  id: 'evt_1',
  type: 'payment_intent.succeeded',
  created: 1_769_853_600,
  data: { object: payment },
  pending_webhooks: 2,
};
console.log(await receive(event));
console.log(await receive({ ...event, pending_webhooks: 1 }));
console.log(await receive({ ...event, data: { object: { ...payment, amount_received: 900 } } }));
console.log(`alice was credited ${balances.get('alice')} cents`);
