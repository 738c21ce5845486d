// Which errors a client is refused for, and what it gets for all others.
import { type ErrorCode, IdempotencyError, StoreError } from '../errors.js';
import type { HeaderEntry } from './headers.js';

/** What a client gets where the handler has run, so that no error handler can answer any more. */
export const plainFailure = {
  status: 500,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['Cache-Control', 'no-store'],
  ] satisfies HeaderEntry[],
  body: Buffer.from('Internal Server Error'),
};

const refusals = new Set<ErrorCode>(['key_missing', 'key_invalid', 'body_type_unsupported']);

/** The code that a client is refused with. Null: it is no matter of the client. */
export function refusalFor(error: Error): ErrorCode | null {
  if (error instanceof StoreError) return 'store_unavailable';
  return error instanceof IdempotencyError && refusals.has(error.code) ? error.code : null;
}

export function codeOf(error: Error): ErrorCode {
  return error instanceof IdempotencyError ? error.code : 'option_invalid';
}
