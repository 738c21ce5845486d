// The snippet of packages/client/README.md. What is between the marks is an exact copy: change both.
// #region snippet

import { attemptsOf, idempotentFetch } from '@onceguard/client';
import { fileKeys } from '@onceguard/client/file';

const pay = idempotentFetch({ retries: 5, totalTimeoutMs: 60_000, keyStore: fileKeys(process.env.KEYS ?? 'keys') });

const response = await pay(process.env.PAYMENTS_URL ?? 'http://localhost:3000/payments', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ amount: 20 }),
  intent: 'order-17', // the same key after a crash
});
console.log(response.status, await response.text(), `sent ${attemptsOf(response)} time(s)`);

// #endregion
