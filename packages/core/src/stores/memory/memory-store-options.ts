// The options of MemoryStore: their defaults, limits and error messages.
import * as z from 'zod';
import { milliseconds, wholeNumber } from '../../parse-options.js';
import type { RetryQueueLimits } from '../../store/port.js';
import { retryQueueLimitsField, storeNameField } from '../store-options.js';

export interface MemoryStoreOptions {
  /**
   * The maximum number of records. It bounds what the garbage collector has to traverse. Default: 250 000, about as many as the default
   * `maxBytes` holds without any outcome.
   */
  readonly maxRecords?: number;
  /** The approximate maximum size of all records in bytes, including a fixed overhead of each. Default: 268 435 456 (256 MiB). */
  readonly maxBytes?: number;
  /**
   * The share of `maxRecords` and of `maxBytes` that one scope (one tenant) may use: above 0, at most 1. The store rejects new keys of a
   * scope that has reached it, so that other scopes still find room. The scope `'public'` is not limited. Default: 0.25. Set 1 if all
   * records have the same other scope.
   */
  readonly maxScopeShare?: number;
  /** The store's clock, in milliseconds since 1970. Default: `Date.now`. Tests pass a clock that they control. */
  readonly clock?: () => number;
  /** The deadline of one call that callers assume, in milliseconds. This store replies at once. Default: 1 000. */
  readonly callTimeoutMs?: number;
  /** What events call the store, so that several can be told apart. 1 to 100 characters. Default `memory`. */
  readonly storeName?: string;
  /** How many calls, and how many bytes of outcomes, wait in this process to be repeated. Default 10 000 and 64 MiB. */
  readonly retryQueueLimits?: RetryQueueLimits;
}

const defaults = Object.freeze({
  maxRecords: 250_000,
  maxBytes: 256 * 2 ** 20,
  maxScopeShare: 0.25,
  clock: () => Date.now(),
  callTimeoutMs: 1_000,
  storeName: 'memory',
});

const shareRemedy = 'it must be a number above 0 and at most 1. For a quarter write 0.25.';

export const memoryStoreSchema = z.strictObject({
  // A Map holds at most 2 ** 24 entries.
  maxRecords: wholeNumber('records', 1, 16_000_000, 'For a quarter of a million write 250000.').default(
    defaults.maxRecords,
  ),
  maxBytes: wholeNumber('bytes', 1, 2 ** 40, 'For 256 MiB write 268435456.').default(defaults.maxBytes),
  maxScopeShare: z
    .number({ error: shareRemedy })
    .gt(0, { error: shareRemedy })
    .max(1, { error: shareRemedy })
    .default(defaults.maxScopeShare),
  clock: z
    .custom<() => number>((value) => typeof value === 'function', {
      error: 'it must be a function that returns milliseconds since 1970, such as Date.now',
    })
    .default(() => defaults.clock),
  callTimeoutMs: milliseconds(1, 2_147_483_647).default(defaults.callTimeoutMs),
  storeName: storeNameField.default(defaults.storeName),
  retryQueueLimits: retryQueueLimitsField,
});
