// What a record keeps of an answer, and its bytes: a layout version, a JSON head on a line of its own, the body as it is.
import { IdempotencyError } from '../errors.js';
import { type HeaderChange, isFramingHeader } from './headers.js';
import { findInvalid, type RecordedHead } from './recorded-head.js';

export interface RecordedResponse {
  readonly status: number;
  /** The reason phrase; left out, the usual one of the status. */
  readonly reason?: string | undefined;
  readonly headers: HeaderChange;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

const layoutVersion = 1;
/** JSON has no line break in itself. Everything before the body is text: a body in ASCII makes the whole one. */
const headTerminator = 0x0a;

/** The bytes of a recorded answer. */
export function encodeRecordedResponse({ status, reason, headers, trailers, body }: RecordedResponse): Uint8Array {
  const kept = trailers.filter(([name]) => !isFramingHeader(name));
  const head = JSON.stringify([status, reason ?? null, headers.set, headers.removed, kept]);
  const endAt = 1 + Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(endAt + 1 + body.byteLength);
  bytes[0] = layoutVersion;
  bytes.write(head, 1);
  bytes[endAt] = headTerminator;
  bytes.set(body, endAt + 1);
  return bytes;
}

/**
 * The answer in these bytes; `body` is a view of them. Throws `outcome_invalid` for bytes of a newer layout, cut-off or
 * damaged ones, and anything that could not be sent.
 */
export function decodeRecordedResponse(bytes: Uint8Array): RecordedResponse & { readonly body: Buffer } {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view[0] !== layoutVersion)
    throw unreadableOutcome(`its layout is ${view[0] ?? 'none'}, and only ${layoutVersion} is known here`);
  const endAt = view.indexOf(headTerminator);
  if (endAt < 0) throw unreadableOutcome('it is cut off');
  const [status, reason, set, removed, trailers] = decodeHead(view.toString('utf8', 1, endAt));
  return { status, reason: reason ?? undefined, headers: { set, removed }, trailers, body: view.subarray(endAt + 1) };
}

function decodeHead(json: string): RecordedHead {
  const head = parseJson(json);
  const flaw = findInvalid(head);
  if (flaw === null) return head as RecordedHead;
  // Where, and not what: the values may be private.
  throw unreadableOutcome(`its head makes no sense at ${JSON.stringify(flaw)}`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function unreadableOutcome(why: string): IdempotencyError {
  return new IdempotencyError('outcome_invalid', `A recorded answer cannot be read: ${why}.`);
}
