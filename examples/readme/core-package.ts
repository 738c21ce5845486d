// The snippet of packages/core/README.md. What is between the marks is an exact copy: change both.
import { event, ledger, type PaymentEvent } from '../application.js';

// #region snippet

import { MemoryStore, makeIdempotent } from '@onceguard/core';

const store = new MemoryStore(); // several processes: RedisStore of @onceguard/core/redis, with ioredis installed

const book = makeIdempotent(async (event: PaymentEvent, { deriveKey }) => await ledger.add(event, deriveKey('entry')), {
  store,
  scope: 'payment-webhooks',
  key: (event) => event.id,
});

await book(event); // runs
await book(event); // the recorded result

// #endregion

export { book };
