// The model of a response: what a handler wrote, and what is sent in its place.
//
//   CapturedResponse ──encode──▶ the record ──decode──▶ RecordedResponse ──▶ OutgoingResponse (a replay)
//                                                            problem document ──▶ OutgoingResponse (a refusal)
//
// `recorded-response.ts` has the recorded form. It keeps what the handler did to the headers, not the headers themselves.
import type { HeaderEntry } from './headers.js';
import type { ResponseBody } from './response-body.js';

/** One trailer line. */
export type TrailerEntry = readonly [name: string, value: string];

/** A head as it was when it was written. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderEntry[];
}

/** A response that the handler has ended and that is held back, or that was aborted before its end. */
export interface CapturedResponse extends ResponseHead {
  readonly trailers: readonly TrailerEntry[];
  /**
   * Empty where no body is sent (HEAD, 204, 304). Null where it was larger than `maxOutcomeBytes`, or where the response was aborted:
   * it was streamed and cannot be recorded.
   */
  readonly body: ResponseBody | null;
  /** Bytes of the body, also where it is null. */
  readonly size: number;
  /** The head and the body have been sent already. Only the end is held back. */
  readonly isStreaming: boolean;
}

/** A complete response that no handler writes: a replay or a refusal. */
export interface OutgoingResponse {
  readonly status: number;
  /** Default: the usual reason phrase of the status. */
  readonly reason?: string;
  /** All headers to send. Framing headers among them are left out, because the sender decides them. */
  readonly headers: readonly HeaderEntry[];
  readonly trailers: readonly TrailerEntry[];
  readonly body: Buffer;
}
