// The contract of a capture: it holds a response back until the handler has ended it, so that it can be recorded before it
// is sent.
//
// How it works, in the order in which a response passes through it:
//
// 1. Own properties override the methods that write the response, and the properties that show its progress
//    (`intercept/response-interceptor.ts`, `intercept/property-overrides.ts`). The handler and inner middleware, which
//    patches the response later, use those. The previous methods, Node's own or the wrappers of outer middleware, stay
//    callable (`intercept/original-methods.ts`).
// 2. Each call is first tried on a shadow response without a client (`intercept/dry-run.ts`). So Node itself decides what it
//    refuses, within the handler's own call, and what a second `end` or a late `setHeader` does. Nothing that Node would
//    refuse to send is ever recorded. A whole body that is passed to `end` as the first write needs no dry run
//    (`intercept/simple-response.ts`).
// 3. When the head is written, it is copied and frozen (`response-head.ts`). The body is buffered (`response-buffer.ts`).
//    The client gets nothing yet, except informational responses (1xx).
// 4. A response streams at once if it is too large for the buffer, if it is an event stream, or if its head was flushed
//    (`streaming-response.ts`). Only its end is held back, so that no client can take an incomplete response for a whole one.
// 5. A disconnect of the client is hidden from the code that writes the response: on the response, the request and their
//    socket (`disconnect/`). Application code cannot destroy the connection between the end of the response and its sending
//    (`disconnect/client-connection.ts`). A response that has exceeded `maxOutcomeBytes` is useless once its client is gone:
//    neither the client nor the record can have it. It is aborted, and its sources are destroyed (`piped-sources.ts`).
// 6. When the handler ends the response, `ended` resolves. The owner of the capture records the response and calls `send()`:
//    the overrides are removed, and the original methods send the response (`send-response.ts`). Or it calls `discard()` and
//    sends another response; or `abort()`, if bytes have been sent already. A framework that has the response before it writes
//    it (Fastify's onSend hook) has it recorded there, calls `release()` and writes it.

import type { HeaderEntry } from '../../http/headers.js';
import type { CapturedResponse } from '../../http/response.js';

export interface CaptureOptions {
  /** Maximum size of the body, in bytes, that is buffered and recorded. A larger body is streamed and not recorded. */
  readonly maxOutcomeBytes: number;
  /**
   * The signal that aborts when the attempt has lost its lease. Called only if the response streams or its client has
   * disconnected.
   */
  readonly signal?: () => AbortSignal;
  /** Another response will replace this one: only the head is kept, and nothing is streamed. Default: false. */
  readonly keepHeadOnly?: boolean;
  /** A send failed although Node had accepted the response. The connection has been closed. */
  readonly onSendError?: (error: Error) => void;
}

export interface Capture {
  /** The headers of the response when the capture began, as outer middleware had set them. */
  readonly baselineHeaders: readonly HeaderEntry[];
  /**
   * Resolves once: with the response when the handler has ended it, or with null when none can come. A disconnect of the
   * client does not resolve it, because the response may still come. Never rejects.
   *
   * A response larger than `maxOutcomeBytes` is aborted when its client disconnects or `signal` aborts: `ended` resolves with
   * the known part, the streams that are piped into the response are destroyed, and the connection is closed.
   */
  readonly ended: Promise<CapturedResponse | null>;
  /** The handler has stopped and will send no response: `ended` resolves with null, even if chunks were written. */
  endWithoutResponse(): void;
  /**
   * Sends the captured response through the original methods: all of it if it was held, the end if it has streamed. Adds the
   * `extra` headers if the head was not sent yet. Resolves when the response was handed to the socket, or the client is
   * gone. Never rejects. Does nothing if there is no response.
   */
  send(extra?: readonly HeaderEntry[]): Promise<void>;
  /**
   * Drops the captured response, so that the caller can send another one: restores status and headers, and refuses whatever
   * the handler still writes. Returns false if bytes were sent already: then only `abort()` remains.
   */
  discard(): boolean;
  /**
   * Hands the response back as the handler has left it, with its status and headers, so that the framework can write it. Nothing is
   * captured any more. Returns false, and does nothing, if bytes were sent already. A hidden disconnect is shown in the next iteration of
   * the event loop, after the framework has begun to write.
   */
  release(): boolean;
  /** Closes the connection so that the client can tell that the response is incomplete. */
  abort(): void;
}
