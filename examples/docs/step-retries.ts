// A program of docs/steps.md. What is between the marks is an exact copy: change both.
import { executeIdempotently } from '@onceguard/core';
import { amount, orderId, provider, store } from '../application.js';

// #region snippet

const charged = await executeIdempotently(
  ({ step }) =>
    step('charge', ({ key, signal }) => provider.charge(amount, { idempotencyKey: key, signal }), {
      retries: 4, // five tries at most
      backoff: { initialMs: 500, factor: 2, maxMs: 10_000 },
      retryable: (error) => !(error instanceof TypeError),
    }),
  { store, scope: 'payments', key: orderId },
);

// #endregion

export { charged };
