// The options that all stores of this package have in common, as fields of their zod schemas.
import * as z from 'zod';
import { wholeNumber } from '../parse-options.js';

const nameRule = 'it must be 1 to 100 characters, such as "payments"';

export const storeNameField = z.string({ error: nameRule }).min(1, nameRule).max(100, nameRule);

/** What is left out of them has the default of `engine/retry-queue.ts`. */
export const retryQueueLimitsField = z
  .strictObject({
    maxCalls: wholeNumber('calls', 1, 1_000_000, 'For ten thousand write 10000.').optional(),
    maxBytes: wholeNumber('bytes', 0, 2 ** 40, 'For 64 MiB write 67108864.').optional(),
  })
  .optional();
