// A recorded answer in place of the one that layers outside make of an empty one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WholeAnswer } from '../http/exchange.js';
import type { HeaderEntry } from '../http/headers.js';
import { captureResponse } from './capture.js';
import { headersOf, keepOnly } from './head.js';
import { sendAnswer } from './send.js';

const nothing = Buffer.alloc(0);

/** They describe the bytes of the answer, so they belong to the recorded ones. */
const OF_THE_BYTES = new Set([
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
export function sendInPlace(
  req: IncomingMessage,
  res: ServerResponse,
  answer: WholeAnswer,
  give: (empty: WholeAnswer) => void,
  onSendError?: (error: Error) => void,
): void {
  const capture = captureResponse(req, res, {
    maxResponseBytes: Number.POSITIVE_INFINITY,
    isSubstituted: true,
    ...(onSendError === undefined ? {} : { onSendError }),
  });
  give({ ...answer, body: nothing, trailers: [] });
  const given = headersOf(res);
  void capture.ended.then(async (made) => {
    if (made === null || !capture.withdraw()) return capture.cut();
    const isUnchanged = made.status === 304 && answer.status >= 200 && answer.status < 300;
    const mayRemove = isUnchanged || made.status === answer.status;
    const layers = { before: capture.baseline, given, made: made.headers, mayRemove };
    const headers = withLive(answer.headers, layers);
    keepOnly(res, headers);
    if (isUnchanged) await sendAnswer(res, { status: 304, headers, body: nothing }, onSendError);
    else await sendAnswer(res, { ...answer, headers }, onSendError);
  });
}

interface Layers {
  /** What stood on the response before the recorded headers. */
  readonly before: readonly HeaderEntry[];
  readonly given: readonly HeaderEntry[];
  readonly made: readonly HeaderEntry[];
  /** False where they failed on the empty answer: an error handler has removed every header. */
  readonly mayRemove: boolean;
}

/** The recorded headers, and over them what the layers outside have set, changed or removed this time. */
function withLive(recorded: readonly HeaderEntry[], { before, given, made, mayRemove }: Layers): HeaderEntry[] {
  const [earlier, shown, later] = [byName(before), byName(given), byName(made)];
  const headers = byName(recorded);
  for (const [name, entry] of later) {
    const isRecorded = linesOf(earlier.get(name)).join() !== linesOf(shown.get(name)).join();
    // What they add to a recorded header, they have added to it before it was recorded.
    const isAdded = isRecorded && begins(linesOf(entry), linesOf(shown.get(name)));
    if (!OF_THE_BYTES.has(name) && !isAdded) headers.set(name, entry);
  }
  for (const name of mayRemove ? shown.keys() : []) {
    if (!OF_THE_BYTES.has(name) && !later.has(name)) headers.delete(name);
  }
  return [...headers.values()];
}

function byName(entries: readonly HeaderEntry[]): Map<string, HeaderEntry> {
  return new Map(entries.map((entry) => [entry[0].toLowerCase(), entry]));
}

function linesOf(entry: HeaderEntry | undefined): readonly string[] {
  if (entry === undefined) return [];
  return typeof entry[1] === 'string' ? [entry[1]] : entry[1];
}

function begins(lines: readonly string[], first: readonly string[]): boolean {
  return first.every((line, at) => line === lines[at]);
}
