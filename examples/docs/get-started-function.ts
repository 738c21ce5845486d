// The snippet of docs/get-started.md, under "A function, a job, a webhook". What is between the marks is an exact copy: change both.
import { stripeEvent as event, ledger, store } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';
import type Stripe from 'stripe';

const book = makeIdempotent(
  async (event: Stripe.Event, { deriveKey, signal }) => await ledger.add(event, { key: deriveKey('entry'), signal }),
  {
    store,
    scope: 'stripe-webhooks',
    key: (event) => event.id,
    fingerprint: ({ id, type, data }) => ({ id, type, data }), // what is the same in every delivery
    ttlMs: 7 * 86_400_000,
  },
);

await book(event); // runs
await book({ ...event, pending_webhooks: 0 }); // delivered again: the recorded result, Dates and Buffers as they were

// #endregion

export { book };
