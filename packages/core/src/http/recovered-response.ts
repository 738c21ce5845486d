// An answer that no handler gave: what a `recover` function, or a person, says that the work came to.
import { isUint8Array } from 'node:util/types';
import { z } from 'zod';
import { parseOptions } from '../parse-options.js';
import { headerLinePattern, headerNamePattern, isFramingHeader } from './headers.js';
import { encodeRecordedResponse, type RecordedResponse } from './recorded-response.js';

/** The whole answer. Headers of the layers outside come live, as for any replay. */
export interface RecoveredResponse {
  /** 200 to 599. */
  readonly status: number;
  /** A list is one line for each. Framing (`Content-Length`, `Connection`, …) is left out: the sender decides it. Default none. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** A string goes out as UTF-8. Default empty. */
  readonly body?: string | Uint8Array;
}

// What breaks the rules that Node has for what it sends must not get as far as a record.
const headerLineField = z.string().regex(headerLinePattern, 'it must be a line of Latin-1 without control characters');
const headerNameField = z.string().regex(headerNamePattern);
const statusRule = 'it must be a whole number from 200 to 599';

const nameRule = 'it must be named as a header may be: letters, digits and hyphens, no spaces';

const recoveredResponseSchema = z.strictObject({
  status: z.int(statusRule).min(200, statusRule).max(599, statusRule),
  headers: z
    .record(
      headerNameField,
      z.union([headerLineField, z.array(headerLineField)], 'it must be a string or a list of strings'),
      {
        error: ({ code }) => (code === 'invalid_key' ? nameRule : undefined),
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

/** As it is recorded. Throws a `ConfigurationError` for what could not be sent. */
export function toRecordedResponse(answer: RecoveredResponse): RecordedResponse {
  const { status, headers, body } = parseOptions('the answer', recoveredResponseSchema, answer);
  const set = Object.entries(headers).filter(([header]) => !isFramingHeader(header));
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { status, headers: { set, removed: [] }, trailers: [], body: bytes };
}

/**
 * The bytes that stand for this answer on record: for `resolve({ as: 'done', outcome })` and `recoverAll({ encode })`, so
 * that every repeat of the request is given it. Throws a `ConfigurationError` for what could not be sent.
 */
export function encodeRecoveredResponse(answer: RecoveredResponse): Uint8Array {
  return encodeRecordedResponse(toRecordedResponse(answer));
}
