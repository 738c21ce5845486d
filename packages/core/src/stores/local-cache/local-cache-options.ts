// The options of localCache: defaults, limits, remedies.
import * as z from 'zod';
import { milliseconds, wholeNumber } from '../../parse-options.js';
import { storeNameField } from '../store-options.js';

export interface LocalCacheOptions {
  /**
   * About how many bytes all cached outcomes take at most, a fixed part of each included. The least recently used outcome makes
   * room. An outcome of more than an eighth of it is not cached. Default 67 108 864 (64 MiB).
   */
  readonly maxBytes?: number;
  /**
   * How long an outcome is replayed without a call to the store, in milliseconds. So late may this process learn that an operator
   * has removed the record. Default 60 000.
   */
  readonly maxAgeMs?: number;
  /** What events call the cached store. 1 to 100 characters. Default: the name of the store inside. */
  readonly storeName?: string;
}

const defaults = Object.freeze({ maxBytes: 64 * 2 ** 20, maxAgeMs: 60_000 });

export const localCacheSchema = z.strictObject({
  maxBytes: wholeNumber('bytes', 2 ** 16, 2 ** 40, 'For 64 MiB write 67108864.').default(defaults.maxBytes),
  maxAgeMs: milliseconds(1, 86_400_000).default(defaults.maxAgeMs),
  storeName: storeNameField.optional(),
});

export type CheckedLocalCacheOptions = z.output<typeof localCacheSchema>;
