// The options that `executeIdempotently` and `makeIdempotent` share.
import * as z from 'zod';
import { type Policy, type PolicyOptions, policyFields, storeField } from '../engine/policy.js';
import type { ResultSchema } from '../engine/result-schema.js';
import { transactionField } from '../engine/transaction-option.js';
import { operationField } from '../engine/work-description.js';
import { warnOnce } from '../events.js';
import { milliseconds, wholeNumber } from '../parse-options.js';
import type { IdempotencyStore } from '../store/port.js';
import type { TransactionPort } from '../store/transaction-port.js';
import { type FinalErrors, finalErrorsField } from './final-error-classes.js';

/** The options of every function, however its key is derived. */
export interface WorkOptions<RecoverFunction, Result = never> extends PolicyOptions<RecoverFunction> {
  /** Where records are kept. */
  store: IdempotencyStore;
  /**
   * What kind of work it is, for people and tools: 1 to 128 characters, such as `create-payment`. It is part of the record's name, so two
   * operations may use the same keys, and a repeat of work that was done under another operation runs. Default: the name of the function,
   * or `function`; that is only shown, and is no part of the name.
   */
  operation?: string;
  /** A result of more bytes, encoded, is not kept: a repeat gets `expired`. 1 to 536 870 912. Default 1 048 576. */
  maxOutcomeBytes?: number;
  /**
   * The errors that are an outcome: a record of classes, `{ CardDeclined }`, a list of them, or a function that picks them. They are
   * recorded, and every repeat throws them again. Default none: any error frees the key, or makes its outcome unknown (`onFailure`).
   */
  finalErrors?: FinalErrors;
  /** Whether the causes of these errors are recorded too. A cause may contain data that must not be kept. Default true. */
  recordCause?: boolean;
  /**
   * For how many milliseconds a queue may deliver the same job again, counted from when it was done. If a record does not live that long
   * (`tombstoneMs`), the warning `retention_too_short` says so.
   */
  redeliveryMs?: number;
  /**
   * `store.transactions(…)`: effect and record are one transaction of the user's database. `transaction.of(context)` is that transaction.
   * There is no lease then, and no unknown outcome: what fails is rolled back, and the key is free. Default: none.
   */
  transaction?: TransactionPort;
  /** Checks a recorded result, which an earlier version of the program may have written. A zod schema has `parse`. */
  resultSchema?: ResultSchema<Result>;
}

/** The options after they were checked, with their defaults. */
export interface CheckedWorkOptions<T> extends Policy {
  readonly store: IdempotencyStore;
  readonly operation?: string | undefined;
  readonly maxOutcomeBytes: number;
  readonly finalErrors: FinalErrors;
  readonly recordCause: boolean;
  readonly resultSchema: ResultSchema<T> | undefined;
  readonly transaction?: TransactionPort | undefined;
}

export const workFields = {
  store: storeField,
  transaction: transactionField,
  operation: operationField,
  maxOutcomeBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
  finalErrors: finalErrorsField.default([]),
  recordCause: z.boolean().default(true),
  redeliveryMs: milliseconds(1, 4_000 * 86_400_000).optional(),
  resultSchema: z
    .custom<ResultSchema<unknown>>(
      (value) => typeof value === 'object' && value !== null && 'parse' in value && typeof value.parse === 'function',
      { error: 'it must have a method parse, as zod schemas do' },
    )
    .optional(),
  ...policyFields,
};

export function warnOfShortRetention({
  tombstoneMs,
  redeliveryMs = 0,
}: {
  tombstoneMs: number;
  redeliveryMs?: number | undefined;
}): void {
  if (redeliveryMs <= tombstoneMs) return;
  warnOnce(
    'retention_too_short',
    `The record of finished work lives for ${tombstoneMs} ms (ttlMs or tombstoneMs), but the queue may deliver the work again for ` +
      `${redeliveryMs} ms (redeliveryMs): after that it runs again. Make tombstoneMs at least as long.`,
  );
}
