// The snippet of packages/sqlite/README.md. What is between the marks is an exact copy: change both.
import { event, ledger, type PaymentEvent } from '../application.js';

// #region snippet

import { makeIdempotent } from '@onceguard/core';
import { SqliteStore } from '@onceguard/sqlite';

const store = await SqliteStore.open(process.env.ONCEGUARD_DB ?? 'onceguard.db');

const book = makeIdempotent(async (event: PaymentEvent, { deriveKey }) => await ledger.add(event, deriveKey('entry')), {
  store,
  scope: 'payment-webhooks',
  key: (event) => event.id,
});

await book(event); // runs
await book(event); // the recorded result, also after a restart

// #endregion

export { book, store };
