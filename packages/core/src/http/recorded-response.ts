// What a record keeps of an answer, and its bytes: a layout version, a JSON head with its length, the body as it is.
import { IdempotencyError } from '../errors.js';
import type { HeaderChange } from './headers.js';
import { flawIn, type Head } from './recorded-head.js';

export interface RecordedResponse {
  readonly status: number;
  /** The reason phrase; left out, the usual one of the status. */
  readonly reason?: string | undefined;
  readonly headers: HeaderChange;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

const layout = 1;
/** One byte of layout, four of the head's length. */
const prefixBytes = 5;

/** The bytes of a recorded answer. */
export function encodeResponse({ status, reason, headers, trailers, body }: RecordedResponse): Uint8Array {
  const head = JSON.stringify([status, reason ?? null, headers.set, headers.removed, trailers]);
  const headBytes = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(prefixBytes + headBytes + body.byteLength);
  bytes.writeUInt8(layout, 0);
  bytes.writeUInt32BE(headBytes, 1);
  bytes.write(head, prefixBytes);
  bytes.set(body, prefixBytes + headBytes);
  return bytes;
}

/**
 * The answer in these bytes; `body` is a view of them. Throws `outcome_invalid` for bytes of a newer layout, cut-off or
 * damaged ones, and anything that could not be sent.
 */
export function decodeResponse(bytes: Uint8Array): RecordedResponse & { readonly body: Buffer } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < prefixBytes) throw invalid('it is cut off');
  if (view.readUInt8(0) !== layout)
    throw invalid(`its layout is ${view.readUInt8(0)}, and only ${layout} is known here`);
  const bodyAt = prefixBytes + view.readUInt32BE(1);
  if (bodyAt > view.byteLength) throw invalid('it is cut off');
  const [status, reason, set, removed, trailers] = decodeHead(view.toString('utf8', prefixBytes, bodyAt));
  return { status, reason: reason ?? undefined, headers: { set, removed }, trailers, body: view.subarray(bodyAt) };
}

function decodeHead(json: string): Head {
  const head = parseJson(json);
  const flaw = flawIn(head);
  if (flaw === null) return head as Head;
  // Where, and not what: the values may be private.
  throw invalid(`its head makes no sense at ${JSON.stringify(flaw)}`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function invalid(why: string): IdempotencyError {
  return new IdempotencyError('outcome_invalid', `A recorded answer cannot be read: ${why}.`);
}
