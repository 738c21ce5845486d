// The first program of docs/client.md. What is between the marks is an exact copy: change both.
// #region snippet

import { IdempotentFetchError, idempotentFetch, indexedDbKeys, isReplayed } from '@onceguard/client';

const pay = idempotentFetch({ keyStore: indexedDbKeys() });

async function payOrder(order: { id: string; amount: number }): Promise<string> {
  try {
    const response = await pay('https://api.example/payments', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(order),
      intent: `order-${order.id}`,
    });
    if (!response.ok) return 'That did not work, and nothing was charged.';
    return isReplayed(response) ? 'This order was paid before.' : 'Paid. Thank you!';
  } catch (error) {
    if (error instanceof IdempotentFetchError) return error.customerMessage;
    throw error;
  }
}

// #endregion

export { payOrder };
