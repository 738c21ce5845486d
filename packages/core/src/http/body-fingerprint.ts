// The fingerprint of a request by its method, its target and its body.
import { IdempotencyError } from '../errors.js';
import { describeBody } from './body.js';
import type { Exchange } from './exchange.js';
import { type FingerprintInput, fingerprint } from './fingerprint.js';

/** Throws `body_not_parsed`, or `body_type_unsupported`, where the body cannot be compared. */
export function fingerprintOf(exchange: Exchange, target: Pick<FingerprintInput, 'method' | 'path' | 'query'>): string {
  const request = exchange.body();
  const body = describeBody(request);
  if (body.ok) return fingerprint({ ...target, body });
  // Where a parser looked at the request and left its body alone, the client has sent a type that the application does not read.
  const isOfUnreadType = request.hasParser === true && !request.readableEnded;
  if (!isOfUnreadType) throw new IdempotencyError('body_not_parsed', body.reason);
  throw new IdempotencyError('body_type_unsupported', 'The media type of the body is none that is accepted here.');
}
