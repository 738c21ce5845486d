// How long a server wants a client to wait, in the three forms that servers use.

/**
 * Milliseconds, at least 0, or undefined where the response does not say. `retryAfterMs` of a problem document wins, because it is exact.
 * `Retry-After` is a number of seconds or an HTTP date (RFC 9110 section 10.2.3). A date counts from the `Date` of the response where
 * that is readable, so that a wrong clock of this device does not matter.
 */
export function readRetryAfter(headers: Pick<Headers, 'get'>, retryAfterMs?: unknown): number | undefined {
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0) return retryAfterMs;
  const value = headers.get('Retry-After') ?? '';
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const at = Date.parse(value);
  const now = Date.parse(headers.get('Date') ?? '') || Date.now();
  return Number.isNaN(at) ? undefined : Math.max(at - now, 0);
}
