// A response that no handler gave: what `onAbandoned`, or a person, says that the work came to.
import { isUint8Array } from 'node:util/types';
import * as z from 'zod';
import { parseOptions } from '../parse-options.js';
import { isFramingHeader } from './framing-headers.js';
import { headerLinePattern, headerNamePattern } from './headers.js';
import { encodeRecordedResponse, type RecordedResponse } from './recorded-response.js';

/** The whole response. As for any replay, the headers of outer middleware are added when it is sent. */
export interface RecoveredResponse {
  /** 200 to 599. */
  readonly status: number;
  /**
   * A list stands for one line for each element. Framing headers (`Content-Length`, `Connection`, …) are left out, because the sender
   * decides them. Default none.
   */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** A string is sent as UTF-8. Default empty. */
  readonly body?: string | Uint8Array;
}

// Node's rules for what it sends are checked here, so that nothing unsendable is recorded.
const headerLineField = z.string().regex(headerLinePattern, 'it must be a line of Latin-1 without control characters');
const headerNameField = z.string().regex(headerNamePattern);
const headerNameRule = 'it must be named as a header may be: letters, digits and hyphens, no spaces';
const statusRule = 'it must be a whole number from 200 to 599';

const recoveredResponseSchema = z.strictObject({
  status: z.int(statusRule).min(200, statusRule).max(599, statusRule),
  headers: z
    .record(
      headerNameField,
      z.union([headerLineField, z.array(headerLineField)], 'it must be a string or a list of strings'),
      {
        error: ({ code }) => (code === 'invalid_key' ? headerNameRule : undefined),
      },
    )
    .default({}),
  body: z
    .custom<string | Uint8Array>(
      (value) => typeof value === 'string' || isUint8Array(value),
      'it must be a string or bytes; for JSON write JSON.stringify(…)',
    )
    .default(''),
});

/** The recorded form of the response. Throws a `ConfigurationError` for what could not be sent. */
export function toRecordedResponse(response: RecoveredResponse): RecordedResponse {
  const { status, headers, body } = parseOptions('the response', recoveredResponseSchema, response);
  const set = Object.entries(headers).filter(([name]) => !isFramingHeader(name));
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { status, headerChange: { set, removed: [] }, trailers: [], body: bytes };
}

/**
 * Encodes a response for `resolveDoubt(store, recordName, { as: 'done', outcome, … })` and `recoverAll({ encode })`: every repeat of the request gets it.
 * Throws a `ConfigurationError` for what could not be sent.
 *
 * @example
 * const outcome = encodeRecoveredResponse({ status: 201, headers: { 'Content-Type': 'application/json' }, body: '{"id":1}' });
 * await resolveDoubt(store, recordName, { as: 'done', outcome, by: 'ada', reason: 'The bank shows the payment.' });
 */
export function encodeRecoveredResponse(response: RecoveredResponse): Uint8Array {
  return encodeRecordedResponse(toRecordedResponse(response));
}
