// The options of CompareAndSwapStore: their defaults, limits and error messages.
import * as z from 'zod';
import type { StoreError } from '../../errors.js';
import { functionField, milliseconds } from '../../parse-options.js';
import type { CompareAndSwapTable } from '../../store/compare-and-swap-table.js';
import type { RetryQueueLimits } from '../../store/port.js';
import { retryQueueLimitsField, storeNameField } from '../store-options.js';

export interface CompareAndSwapStoreOptions {
  /** The functions that read and write rows of your database. */
  readonly table: CompareAndSwapTable;
  /**
   * What an error of `table` means. Undefined, and default: `unavailable` for an error of `read` and `list`, `unknown` for one of a write.
   * Return a `StoreError` of class `misconfigured` where an operator has to act, and one with a `refusal` where the database takes
   * no such bytes. Its message must not have the statement's values.
   */
  readonly toStoreError?: (error: unknown) => StoreError | undefined;
  /** The deadline of each call, in milliseconds. Default 1 000. Give the client of your database one that is not longer. */
  readonly callTimeoutMs?: number;
  /** What events call the store, so that several can be told apart. 1 to 100 characters. Default `compare-and-swap`. */
  readonly storeName?: string;
  /** How many calls, and how many bytes of outcomes, wait in this process to be repeated. Default 10 000 and 64 MiB. */
  readonly retryQueueLimits?: RetryQueueLimits;
}

const tableRule = 'it must be an object with the functions read, insert, update, delete and list';

export const compareAndSwapSchema = z.strictObject({
  table: z.custom<CompareAndSwapTable>(isTable, { error: tableRule }),
  toStoreError: functionField<NonNullable<CompareAndSwapStoreOptions['toStoreError']>>(
    'it must be a function that returns a StoreError or undefined',
  ).optional(),
  callTimeoutMs: milliseconds(1, 2_147_483_647).default(1_000),
  storeName: storeNameField.default('compare-and-swap'),
  retryQueueLimits: retryQueueLimitsField,
});

function isTable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return ['read', 'insert', 'update', 'delete', 'list'].every((name) => typeof Reflect.get(value, name) === 'function');
}
