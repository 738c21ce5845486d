// A recorded answer in place of the one that layers outside make of an empty one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderEntry } from '../http/headers.js';
import type { OutgoingResponse } from '../http/response.js';
import { captureResponse } from './capture/capture.js';
import { headersOf, removeHeadersExcept } from './response-head.js';
import { sendResponse } from './send-response.js';

const emptyBody = Buffer.alloc(0);

/** They describe the bytes of the answer, so they belong to the recorded ones. */
const REPRESENTATION_HEADERS = new Set([
  'accept-ranges',
  'content-digest',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
  'trailer',
  'transfer-encoding',
]);

/**
 * Sends a recorded answer past layers that change an answer when the handler has returned, as Koa's do: what they made of it is
 * in the record already. `give` hands them the same answer without its bytes, and returns before they have seen it. What they
 * make of that is dropped, but for the headers that they set (cookies, timings, which come live) and a 304.
 *
 * Returns at once: such layers go on only then. A send that fails ends the connection, and is reported to `onSendError`.
 *
 * @throws Error if the response has been written already.
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
  void capture.ended.then(async (made) => {
    if (made === null || !capture.discard()) return capture.abort();
    const isUnchanged = made.status === 304 && recorded.status >= 200 && recorded.status < 300;
    const mayRemoveHeaders = isUnchanged || made.status === recorded.status;
    const layers = { before: capture.baselineHeaders, withRecorded, afterMiddleware: made.headers, mayRemoveHeaders };
    const headers = mergeLiveHeaders(recorded.headers, layers);
    removeHeadersExcept(res, headers);
    if (isUnchanged) await sendResponse(res, { status: 304, headers, trailers: [], body: emptyBody }, onSendError);
    else await sendResponse(res, { ...recorded, headers }, onSendError);
  });
}

interface HeaderSnapshots {
  /** What stood on the response before the recorded headers. */
  readonly before: readonly HeaderEntry[];
  readonly withRecorded: readonly HeaderEntry[];
  readonly afterMiddleware: readonly HeaderEntry[];
  /** False where they failed on the empty answer: an error handler has removed every header. */
  readonly mayRemoveHeaders: boolean;
}

/** The recorded headers, and over them what the layers outside have set, changed or removed this time. */
function mergeLiveHeaders(
  recorded: readonly HeaderEntry[],
  { before, withRecorded, afterMiddleware, mayRemoveHeaders }: HeaderSnapshots,
): HeaderEntry[] {
  const [earlier, shown, later] = [headersByName(before), headersByName(withRecorded), headersByName(afterMiddleware)];
  const headers = headersByName(recorded);
  for (const [name, entry] of later) {
    const isRecorded = fieldLinesOf(earlier.get(name)).join() !== fieldLinesOf(shown.get(name)).join();
    // What they add to a recorded header, they have added to it before it was recorded.
    const isAdded = isRecorded && startsWithLines(fieldLinesOf(entry), fieldLinesOf(shown.get(name)));
    if (!REPRESENTATION_HEADERS.has(name) && !isAdded) headers.set(name, entry);
  }
  for (const name of mayRemoveHeaders ? shown.keys() : []) {
    if (!REPRESENTATION_HEADERS.has(name) && !later.has(name)) headers.delete(name);
  }
  return [...headers.values()];
}

function headersByName(entries: readonly HeaderEntry[]): Map<string, HeaderEntry> {
  return new Map(entries.map((entry) => [entry[0].toLowerCase(), entry]));
}

function fieldLinesOf(entry: HeaderEntry | undefined): readonly string[] {
  if (entry === undefined) return [];
  return typeof entry[1] === 'string' ? [entry[1]] : entry[1];
}

function startsWithLines(lines: readonly string[], first: readonly string[]): boolean {
  return first.every((line, at) => line === lines[at]);
}
