// The default fingerprint of a request: by its method, target and body.
import { IdempotencyError } from '../errors.js';
import { toComparableBody } from './comparable-body.js';
import { type FingerprintInput, fingerprintRequest } from './fingerprint.js';
import type { HttpExchange } from './http-exchange.js';

/** Throws an `IdempotencyError` where the body cannot be compared: `body_not_parsed`, or `body_type_unsupported`. */
export function defaultFingerprint(
  exchange: HttpExchange,
  target: Pick<FingerprintInput, 'method' | 'path' | 'query'>,
): string {
  const request = exchange.body();
  const body = toComparableBody(request);
  if (body.ok) return fingerprintRequest({ ...target, body });
  // A parser that looked at the request and left its body unread does not accept this media type: that is the client's mistake.
  const isUnsupportedType = request.hasParser === true && !request.readableEnded;
  if (!isUnsupportedType) throw new IdempotencyError('body_not_parsed', body.reason);
  throw new IdempotencyError('body_type_unsupported', 'The media type of the body is not accepted here.');
}
