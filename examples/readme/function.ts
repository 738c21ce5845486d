// The snippet of README.md, under "A function, a job, a webhook". What is between the marks is an exact copy: change both.
import { event, ledger, type PaymentEvent, store } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';

const book = makeIdempotent(
  async (event: PaymentEvent, { deriveKey, signal }) => await ledger.add(event, { key: deriveKey('entry'), signal }),
  { store, scope: 'payment-webhooks', key: (event) => event.id, ttlMs: 7 * 86_400_000 },
);

await book(event); // runs
await book(event); // the recorded result: null, undefined, 0, Dates and Buffers as they were

// #endregion

export { book };
