// The options of adapters that take a Request and return a Response: those of every framework, and the limit of what is read.
import * as z from 'zod';
import type { HttpOptions } from '../http/http-options.js';
import { parseOptions, wholeNumber } from '../parse-options.js';

/** `First` is what the framework passes to its handlers: a Request, Hono's context, h3's event. */
export interface WebOptions<First> extends HttpOptions<First> {
  /**
   * Bytes of a request's body that are read to compare it. A larger body is refused (413 `body_too_large`) before the store is asked. A
   * `fingerprint` function reads for itself, without this limit. 1 to 536 870 912. Default 1 048 576.
   */
  maxRequestBytes?: number;
}

const webOptionsSchema = z.object({
  maxRequestBytes: wholeNumber('bytes', 1, 536_870_912, 'For one mebibyte write 1048576.').default(1_048_576),
});

/** Throws a `ConfigurationError` for a limit that is not valid. The other options are checked where the lifecycle is created. */
export function checkMaxRequestBytes(value: number | undefined): number {
  return parseOptions('idempotency()', webOptionsSchema, { maxRequestBytes: value }).maxRequestBytes;
}
