// A function that inserts a payment in a transaction, and how often it was called.
import { type IdempotencyStore, makeIdempotent, type TransactionPort } from '@onceguard/core';
import type { PoolClient } from 'pg';
import type { TransactionTestbed } from './transaction-testbed.js';

interface Parts {
  readonly store?: IdempotencyStore;
  readonly transaction?: TransactionPort<PoolClient>;
  readonly maxExecutionMs?: number;
  /** Called after the payment was inserted. */
  readonly during?: (client: PoolClient) => unknown;
}

export function paymentFunctionOf(
  testbed: TransactionTestbed,
  { during, transaction = testbed.transaction, ...options }: Parts = {},
) {
  const calls = { count: 0 };
  const pay = makeIdempotent(
    async (key: string, context) => {
      calls.count += 1;
      const client = transaction.of(context);
      const { id } = await testbed.insertPayment(client, key);
      await during?.(client);
      return id;
    },
    { store: testbed.store, scope: 'shop', key: (key) => key, ...options, transaction },
  );
  return { pay, calls };
}
