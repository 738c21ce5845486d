// The errors of transactions.
import { ConfigurationError, IdempotencyError, StoreError } from '../errors.js';

/** How often an operation, or a step, runs at most that meets conflicts with other transactions. Then it gets `conflictError`. */
export const maxRunsInConflict = 5;

/** Other transactions came between, or the COMMIT never arrived. */
export function conflictError(cause: unknown): IdempotencyError {
  const message = 'Other transactions came between; this one was rolled back, and nothing happened. Try again.';
  return new IdempotencyError('transaction_conflict', message, { cause });
}

/** The message says nothing of the database: HTTP clients see it. */
export function refusedError(cause: unknown): IdempotencyError {
  const message = 'The database refused the transaction; it was rolled back, and nothing happened.';
  return new IdempotencyError('transaction_refused', message, { cause });
}

export function timeoutError(maxExecutionMs: number): IdempotencyError {
  const message = `The work took longer than maxExecutionMs (${maxExecutionMs} ms); its transaction was rolled back, and nothing happened.`;
  return new IdempotencyError('transaction_timeout', message);
}

export function noReplyError(): StoreError {
  return new StoreError('unknown', 'The database did not acknowledge the commit in time.');
}

export function transactionOverError(): ConfigurationError {
  const remedy = 'Write first, respond or return last, and await every query';
  return new ConfigurationError(
    'transaction_over',
    `The operation has ended, and its transaction takes nothing more. ${remedy}.`,
  );
}

export function releaseError(): ConfigurationError {
  const remedy = 'Leave release() out: the connection is released after the COMMIT';
  return new ConfigurationError(
    'argument_invalid',
    `An operation has released the client of its transaction. ${remedy}.`,
  );
}

export function noTransactionError(what: string): ConfigurationError {
  const remedy = 'Give the option transaction: store.transactions(…)';
  return new ConfigurationError('transaction_missing', `${what} needs a transaction, and there is none. ${remedy}.`);
}

export function nestedError(): ConfigurationError {
  const remedy =
    'Call the function itself, with the transaction that is open, or execute it after this operation has ended';
  return new ConfigurationError(
    'option_invalid',
    `An operation with the option transaction was called within another one. Its own commit would stay where the outer one rolls back. ${remedy}.`,
  );
}

/** Throws a `ConfigurationError` where a step within a transaction has options that need a record of its own. */
export function assertNoRecordNeeded(name: string, options: { atMostOnce: boolean; transaction?: unknown }): void {
  if (options.atMostOnce) {
    const remedy = 'Leave atMostOnce out; the commit keeps the step once';
    const why = 'which needs a record before the step begins, and within a transaction there is none';
    throw new ConfigurationError('step_invalid', `The step ${name} has atMostOnce, ${why}. ${remedy}.`);
  }
  if (options.transaction === undefined) return;
  const why = 'and the operation runs in a transaction already';
  throw new ConfigurationError('step_invalid', `The step ${name} has a transaction, ${why}. Leave it out of the step.`);
}
