// The option `transaction`: what it may be, and which other options contradict it.
import * as z from 'zod';
import type { IdempotencyStore } from '../store/port.js';
import type { TransactionPort } from '../store/transaction-port.js';

const transactionRule = 'it must be what store.transactions(…) returns';

export const transactionField = z
  .custom<TransactionPort>(
    (value) =>
      typeof value === 'object' && value !== null && ['run', 'of', 'bind', 'inspect'].every((name) => name in value),
    { error: transactionRule },
  )
  .optional();

interface CheckedOptions {
  readonly transaction?: TransactionPort | undefined;
  readonly store: IdempotencyStore;
  readonly onStoreUnavailable: string;
  readonly onAbandoned: string;
}

/** For `superRefine`: the rules between `transaction` and other options. */
export function checkTransaction(options: CheckedOptions, context: z.core.$RefinementCtx): void {
  const { transaction, store, onStoreUnavailable, onAbandoned } = options;
  if (transaction === undefined) return;
  const reject = (option: string, message: string) =>
    context.addIssue({ code: 'custom', path: [option], message, input: undefined });
  if (!isStoreOf(store, transaction.store))
    reject('transaction', 'it must be of the same store as the option store: a record in another one protects nothing');
  if (onStoreUnavailable === 'bypass')
    reject('onStoreUnavailable', 'it must be "reject" with transaction: without the database there is no transaction');
  if (onAbandoned === 'recover')
    reject(
      'onAbandoned',
      'it must be "rerun" or "block" with transaction: a transaction leaves no doubt to find out about',
    );
}

/** Also where the option names a store around it, such as a local cache. */
export function isStoreOf(given: IdempotencyStore, expected: IdempotencyStore): boolean {
  for (let at: IdempotencyStore | undefined = given; at !== undefined; at = at.wrappedStore) {
    if (at === expected) return true;
  }
  return false;
}
