// What an attempt in a transaction is given, and how it ended.
import type { IdempotencyError } from '../errors.js';
import type { NotAcquired } from './acquisition.js';

export interface TransactionAttemptOptions {
  /** How long the transaction may take to begin, in milliseconds. */
  readonly beginWithinMs: number;
  /** The value of the work may be an error. Otherwise such a value rolls back, and is recorded by another attempt. */
  readonly recordsFinalErrors: boolean;
}

/**
 * - `executed`: committed and `recorded`, or rolled back because its outcome is not to be recorded.
 * - `not_begun`: the database did not reply, or refused, before the operation began.
 * - `standing`: rolled back before the operation began; what the record says counts.
 * - `overtaken`: rolled back. An owner with a lease came between, and its record counts.
 * - `conflict`: rolled back. The same work may succeed if it runs again.
 * - `final_error`: rolled back. The error is still to be recorded.
 * - `not_started`: the caller already has a response.
 */
export type TransactionEnd<T> =
  | { readonly kind: 'executed'; readonly value: T; readonly recorded: boolean; readonly attempt: number }
  | { readonly kind: 'not_begun'; readonly error: unknown }
  | { readonly kind: 'standing'; readonly standing: NotAcquired }
  | { readonly kind: 'conflict'; readonly error: IdempotencyError }
  | { readonly kind: 'final_error'; readonly value: T }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'not_started' };
