// The recorded form of a response and its bytes: a layout version, the head as JSON on a line of its own, then the body.
import type { OutcomeWriter } from '../engine/checksum.js';
import { IdempotencyError } from '../errors.js';
import { applyHeaderChange, type HeaderChange } from './header-change.js';
import type { HeaderEntry } from './headers.js';
import { findInvalid, type RecordedHead } from './recorded-head.js';
import type { OutgoingResponse, TrailerEntry } from './response.js';
import { ResponseBody } from './response-body.js';

export interface RecordedResponse {
  readonly status: number;
  /** The reason phrase. Left out: the usual one of the status. */
  readonly reason?: string | undefined;
  /** What the handler did to the headers. The headers of outer middleware are not recorded. */
  readonly headerChange: HeaderChange;
  /** None of them is a framing header. */
  readonly trailers: readonly TrailerEntry[];
  readonly body: Buffer;
}

const layoutVersion = 1;
/** JSON contains no line break. Everything before the body is text, so a record with an ASCII body is ASCII as a whole. */
const headTerminator = 0x0a;

/** Writes the bytes of a record, with the body copied once, straight into the record's memory. */
export function recordedResponseWriter(head: Omit<RecordedResponse, 'body'>, body: ResponseBody): OutcomeWriter {
  const { status, reason, headerChange, trailers } = head;
  const json = JSON.stringify([status, reason ?? null, headerChange.set, headerChange.removed, trailers]);
  const terminatorAt = 1 + Buffer.byteLength(json);
  return {
    byteLength: terminatorAt + 1 + body.byteLength,
    writeTo(target, offset) {
      target[offset] = layoutVersion;
      target.write(json, offset + 1);
      target[offset + terminatorAt] = headTerminator;
      body.copyTo(target, offset + terminatorAt + 1);
    },
  };
}

/** The bytes of a record, for those who have no record yet to write them into. */
export function encodeRecordedResponse(response: RecordedResponse): Buffer {
  const writer = recordedResponseWriter(response, new ResponseBody(response.body));
  const bytes = Buffer.allocUnsafe(writer.byteLength);
  writer.writeTo(bytes, 0);
  return bytes;
}

/**
 * Reads the bytes of a record. `body` is a view of them. Throws `outcome_invalid` for bytes of a newer layout, for truncated or damaged
 * bytes, and for a head that cannot be sent.
 */
export function decodeRecordedResponse(bytes: Uint8Array): RecordedResponse {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view[0] !== layoutVersion)
    throw unreadableOutcome(`its layout is ${view[0] ?? 'none'}, and only ${layoutVersion} is known here`);
  const endAt = view.indexOf(headTerminator);
  if (endAt < 0) throw unreadableOutcome('it is cut off');
  const [status, reason, set, removed, trailers] = decodeHead(view.toString('utf8', 1, endAt));
  const body = view.subarray(endAt + 1);
  return { status, reason: reason ?? undefined, headerChange: { set, removed }, trailers, body };
}

/** The replay of a recorded response: over the headers that outer middleware has set for the current request, and with `extra` headers. */
export function toReplay(
  recorded: RecordedResponse,
  outerHeaders: readonly HeaderEntry[],
  extra: readonly HeaderEntry[],
): OutgoingResponse {
  const { status, reason, headerChange, trailers, body } = recorded;
  const headers = [...applyHeaderChange(outerHeaders, headerChange), ...extra];
  return { status, ...(reason === undefined ? {} : { reason }), headers, trailers, body };
}

function decodeHead(json: string): RecordedHead {
  const head = parseJson(json);
  const invalidAt = findInvalid(head);
  if (invalidAt === null) return head as RecordedHead;
  // The place, not the value: values may be private.
  throw unreadableOutcome(`its head makes no sense at ${JSON.stringify(invalidAt)}`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function unreadableOutcome(why: string): IdempotencyError {
  return new IdempotencyError('outcome_invalid', `A recorded response cannot be read: ${why}.`);
}
