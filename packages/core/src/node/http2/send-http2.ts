// How answers leave over HTTP/2: captured ones, replays and refusals.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { ComposedAnswer } from '../send.js';
import type { TrailerEntry } from '../trailers.js';
import { isBodylessOverHttp2, isOfConnection, isSingleValued } from './http2-head.js';
import { untilLeft } from './stream-guard.js';
import { resetStream, responseStream } from './streams.js';

/** Sends a stored or composed answer, which may have been recorded over HTTP/1. Never rejects. */
export function sendOverHttp2(
  res: ServerResponse,
  answer: ComposedAnswer,
  onSendError?: (error: Error) => void,
): Promise<void> {
  return sendThroughHttp2(res, onSendError, () => {
    for (const [name, value] of sendable(answer.headers)) res.setHeader(name, value);
    res.statusCode = answer.status;
    const hasBody = !isBodylessOverHttp2(res.req.method, answer.status);
    if (hasBody) res.setHeader('Content-Length', answer.body.length);
    endHttp2(res, hasBody ? answer.body : Buffer.alloc(0), hasBody ? (answer.trailers ?? []) : []);
  });
}

/** The last bytes, the trailers and the end. */
export function endHttp2(res: ServerResponse, bytes: Buffer, trailers: readonly TrailerEntry[]): void {
  for (const [name, values] of byName(trailers)) Reflect.apply(Reflect.get(res, 'setTrailer'), res, [name, values]);
  // Node sends no trailers after a head that ends the stream.
  if (trailers.length > 0) res.writeHead(res.statusCode);
  if (bytes.length === 0) res.end();
  else res.end(bytes);
}

/** Runs `action`, which ends `res`, and waits until its bytes have left or cannot any more. Never rejects. */
export function sendThroughHttp2(
  res: ServerResponse,
  onSendError: ((error: Error) => void) | undefined,
  action: () => void,
): Promise<void> {
  const stream = responseStream(res);
  if (!stream) return Promise.resolve();
  try {
    action();
  } catch (error) {
    resetStream(stream);
    onSendError?.(error instanceof Error ? error : new Error(String(error)));
  }
  return untilLeft(stream);
}

/** Without the headers of an HTTP/1 connection and its framing, which is the sender's; one value where HTTP/2 allows one. */
function sendable(headers: readonly HeaderEntry[]): HeaderEntry[] {
  return headers
    .filter(([name, value]) => name.toLowerCase() !== 'content-length' && !isOfConnection(name, value))
    .map(([name, value]) => [name, typeof value !== 'string' && isSingleValued(name) ? (value[0] ?? '') : value]);
}

function byName(trailers: readonly TrailerEntry[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, value] of trailers) found.set(name, [...(found.get(name) ?? []), value]);
  return found;
}
