// The fingerprint of a request by its method, its target and its body.
import { IdempotencyError } from '../errors.js';
import { toComparableBody } from './comparable-body.js';
import { type FingerprintInput, fingerprintRequest } from './fingerprint.js';
import type { HttpExchange } from './http-exchange.js';

/** Throws `body_not_parsed`, or `body_type_unsupported`, where the body cannot be compared. */
export function defaultFingerprint(
  exchange: HttpExchange,
  target: Pick<FingerprintInput, 'method' | 'path' | 'query'>,
): string {
  const request = exchange.body();
  const body = toComparableBody(request);
  if (body.ok) return fingerprintRequest({ ...target, body });
  // Where a parser looked at the request and left its body alone, the client has sent a type that the application does not read.
  const isOfUnreadType = request.hasParser === true && !request.readableEnded;
  if (!isOfUnreadType) throw new IdempotencyError('body_not_parsed', body.reason);
  throw new IdempotencyError('body_type_unsupported', 'The media type of the body is none that is accepted here.');
}
