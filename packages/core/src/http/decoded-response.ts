// decodeResponse: a recorded response for people and tools.
import type { HeaderEntry } from './headers.js';
import { decodeRecordedResponse } from './recorded-response.js';
import type { TrailerEntry } from './response.js';

/** What a record holds of a response. A replay adds the headers that outer middleware sets on its own response. */
export interface DecodedResponse {
  readonly status: number;
  /** The reason phrase; null: the usual one of the status. */
  readonly reason: string | null;
  /** The headers that the handler set, without framing headers and those of `omitHeaders`. */
  readonly headers: readonly HeaderEntry[];
  /** The names of headers that the handler removed, in lower case. */
  readonly removedHeaders: readonly string[];
  readonly trailers: readonly TrailerEntry[];
  /** As it was sent, so perhaps compressed. A view of the bytes that were given. */
  readonly body: Buffer;
}

/**
 * Decodes the outcome of a request: the inverse of `encodeRecoveredResponse`. `lookup` returns its result. Throws an `IdempotencyError`
 * (`outcome_invalid`) for bytes that this version cannot read.
 *
 * @example
 * const { status, body } = decodeResponse(encodeRecoveredResponse({ status: 201, body: '{"id":1}' }));
 */
export function decodeResponse(bytes: Uint8Array): DecodedResponse {
  const { status, reason = null, headerChange, trailers, body } = decodeRecordedResponse(bytes);
  return { status, reason, headers: headerChange.set, removedHeaders: headerChange.removed, trailers, body };
}
