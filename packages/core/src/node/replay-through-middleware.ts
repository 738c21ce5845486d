// Replays a recorded response through outer middleware that changes a response after the handler has returned, as Koa's does.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFramingHeader } from '../http/framing-headers.js';
import { groupByName, type HeaderEntry, linesOf } from '../http/headers.js';
import type { OutgoingResponse } from '../http/response.js';
import { captureResponse } from './capture/capture-response.js';
import { headersOf, removeHeadersExcept } from './response-head.js';
import { sendResponse } from './send-response.js';

const emptyBody = Buffer.alloc(0);

/** They describe the bytes of the body, so they belong to the recorded bytes. */
const representationHeaders = new Set([
  'accept-ranges',
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
]);

/**
 * Sends a recorded response that outer middleware must not change again: the record has what that middleware did to the body.
 * `respondEmpty` passes the same response without its body to the middleware, and returns before the middleware has processed it. What
 * the middleware makes of it is dropped, except for the headers that it sets (cookies, timings) and a 304.
 *
 * Returns at once, because the middleware continues only then. A send that fails closes the connection, and the error is passed to
 * `onSendError`. Throws an Error if the response has been written already.
 */
export function replayThroughMiddleware(
  req: IncomingMessage,
  res: ServerResponse,
  recorded: OutgoingResponse,
  respondEmpty: (empty: OutgoingResponse) => void,
  onSendError?: (error: Error) => void,
): void {
  const capture = captureResponse(req, res, {
    maxOutcomeBytes: Number.POSITIVE_INFINITY,
    keepHeadOnly: true,
    ...(onSendError === undefined ? {} : { onSendError }),
  });
  respondEmpty({ ...recorded, body: emptyBody, trailers: [] });
  const withRecorded = headersOf(res);
  void capture.ended.then(async (processed) => {
    if (processed === null || !capture.discard()) return capture.abort();
    const isNotModified = processed.status === 304 && recorded.status >= 200 && recorded.status < 300;
    const headers = mergeCurrentHeaders(recorded.headers, {
      before: capture.baselineHeaders,
      withRecorded,
      afterMiddleware: processed.headers,
      mayRemoveHeaders: isNotModified || processed.status === recorded.status,
    });
    removeHeadersExcept(res, headers);
    if (isNotModified) await sendResponse(res, { status: 304, headers, trailers: [], body: emptyBody }, onSendError);
    else await sendResponse(res, { ...recorded, headers }, onSendError);
  });
}

export interface HeaderSnapshots {
  /** The headers of the response before the recorded headers were set. */
  readonly before: readonly HeaderEntry[];
  readonly withRecorded: readonly HeaderEntry[];
  readonly afterMiddleware: readonly HeaderEntry[];
  /** False where the middleware failed on the empty response: an error handler has removed every header then. */
  readonly mayRemoveHeaders: boolean;
}

/** The recorded headers, with what outer middleware has set, changed or removed for the current request. */
export function mergeCurrentHeaders(
  recorded: readonly HeaderEntry[],
  { before, withRecorded, afterMiddleware, mayRemoveHeaders }: HeaderSnapshots,
): HeaderEntry[] {
  const [earlier, shown, later] = [groupByName(before), groupByName(withRecorded), groupByName(afterMiddleware)];
  const headers = groupByName(recorded);
  for (const [name, entry] of later) {
    const isRecorded = linesOf(earlier.get(name)).join() !== linesOf(shown.get(name)).join();
    // The lines that middleware adds to a recorded header are in the record already: it added them before the response was recorded.
    const isAdded = isRecorded && startsWithLines(linesOf(entry), linesOf(shown.get(name)));
    if (!isOfRepresentation(name) && !isAdded) headers.set(name, entry);
  }
  for (const name of mayRemoveHeaders ? shown.keys() : []) {
    if (!isOfRepresentation(name) && !later.has(name)) headers.delete(name);
  }
  return [...headers.values()];
}

function isOfRepresentation(name: string): boolean {
  return representationHeaders.has(name) || isFramingHeader(name);
}

function startsWithLines(lines: readonly string[], first: readonly string[]): boolean {
  return first.every((line, at) => line === lines[at]);
}
