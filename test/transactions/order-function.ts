// Orders: a function that inserts a payment in a transaction, and whose calls are counted.
import { randomUUID } from 'node:crypto';
import { type IdempotentOptions, makeIdempotent, type OperationContext } from '@onceguard/core';
import type { PoolClient } from 'pg';
import type { TransactionTestbed } from './transaction-testbed.js';

export interface Order {
  readonly key: string;
  readonly amount: number;
}

interface Paid {
  readonly id: string;
  readonly amount: number;
  readonly extra: unknown;
  readonly attempt: number;
}

export interface OrderOptions extends Partial<IdempotentOptions<Order, Paid>> {
  /** Called after the payment was inserted. */
  readonly during?: (client: PoolClient, context: OperationContext) => unknown;
}

/** A function that inserts a payment and counts its calls. */
export function orderFunction(testbed: TransactionTestbed, { during, ...options }: OrderOptions = {}) {
  const { store, insertPayment } = testbed;
  const calls = { count: 0 };
  const transaction = (options.transaction ?? testbed.transaction) as TransactionTestbed['transaction'];
  const pay = makeIdempotent(
    async ({ key, amount }: Order, context): Promise<Paid> => {
      calls.count += 1;
      const client = transaction.of(context);
      const { id } = await insertPayment(client, key);
      const extra = await during?.(client, context);
      return { id, amount, extra, attempt: context.attempt };
    },
    { store, scope: 'shop', key: ({ key }) => key, ...options, transaction },
  );
  return { pay, calls };
}

export function orderOf(amount = 5): Order {
  return { key: randomUUID(), amount };
}
