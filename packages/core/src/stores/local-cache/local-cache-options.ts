// The options of localCache: defaults, limits, remedies.
import { z } from 'zod';
import { milliseconds, wholeNumber } from '../../parse-options.js';

export interface LocalCacheOptions {
  /**
   * About how many bytes all kept outcomes take at most, a fixed part of each included; what was asked for least recently
   * goes first. One outcome takes at most an eighth of it, or is not kept. Default 67 108 864 (64 MiB).
   */
  readonly maxBytes?: number;
  /**
   * How long an outcome is answered without asking the store: how late this process learns that an operator has removed the
   * record. Default 60 000.
   */
  readonly maxAgeMs?: number;
}

const defaults = Object.freeze({ maxBytes: 64 * 2 ** 20, maxAgeMs: 60_000 });

export const localCacheSchema = z.strictObject({
  maxBytes: wholeNumber('bytes', 2 ** 16, 2 ** 40, 'For 64 MiB write 67108864.').default(defaults.maxBytes),
  maxAgeMs: milliseconds(1, 86_400_000).default(defaults.maxAgeMs),
});
