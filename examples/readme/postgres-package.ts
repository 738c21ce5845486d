// The snippet of packages/postgres/README.md. What is between the marks is an exact copy: change both.
import { event, ledger, type PaymentEvent } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';
import { PostgresStore } from '@onceguard/postgres';

const store = await PostgresStore.connect(process.env.DATABASE_URL ?? 'postgres://127.0.0.1:5432/shop');
await store.migrate(); // creates the tables where they are missing

const book = makeIdempotent(async (event: PaymentEvent, { deriveKey }) => await ledger.add(event, deriveKey('entry')), {
  store,
  scope: 'payment-webhooks',
  key: (event) => event.id,
});

await book(event); // runs
await book(event); // the recorded result

// #endregion

export { book, store };
