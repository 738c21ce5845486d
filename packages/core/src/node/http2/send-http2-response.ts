// Sends every response over HTTP/2: captured, replayed or refused.
import type { ServerResponse } from 'node:http';
import type { HeaderEntry } from '../../http/headers.js';
import type { OutgoingResponse, TrailerEntry } from '../../http/response.js';
import { isBodylessOverHttp2, isConnectionHeader, isSingleValueHeader } from './http2-head.js';
import { http2StreamOf, resetStream } from './http2-stream.js';
import { whenStreamSentOrClosed } from './stream-guard.js';

/** Sends a response that the lifecycle has made, or that may have been recorded over HTTP/1. Never rejects. */
export function sendHttp2Response(
  res: ServerResponse,
  response: OutgoingResponse,
  onSendError?: (error: Error) => void,
): Promise<void> {
  return sendHttp2AndWait(res, onSendError, () => {
    for (const [name, value] of toHttp2Headers(response.headers)) res.setHeader(name, value);
    res.statusCode = response.status;
    const hasBody = !isBodylessOverHttp2(res.req.method, response.status);
    if (hasBody) res.setHeader('Content-Length', response.body.length);
    endHttp2Response(res, hasBody ? response.body : Buffer.alloc(0), hasBody ? response.trailers : []);
  });
}

/** Sends the last bytes and the trailers, and ends the response. */
export function endHttp2Response(res: ServerResponse, bytes: Buffer, trailers: readonly TrailerEntry[]): void {
  for (const [name, values] of groupByName(trailers))
    Reflect.apply(Reflect.get(res, 'setTrailer'), res, [name, values]);
  // Node sends no trailers after a head that ends the stream.
  if (trailers.length > 0) res.writeHead(res.statusCode);
  if (bytes.length === 0) res.end();
  else res.end(bytes);
}

/** Runs `action`, which ends `res`. Resolves when its bytes were sent, or cannot be sent. Never rejects. */
export function sendHttp2AndWait(
  res: ServerResponse,
  onSendError: ((error: Error) => void) | undefined,
  action: () => void,
): Promise<void> {
  const stream = http2StreamOf(res);
  if (!stream) return Promise.resolve();
  try {
    action();
  } catch (error) {
    resetStream(stream);
    onSendError?.(error instanceof Error ? error : new Error(String(error)));
  }
  return whenStreamSentOrClosed(stream);
}

/** Leaves out the headers of an HTTP/1 connection and its framing. Keeps one value where HTTP/2 allows only one. */
function toHttp2Headers(headers: readonly HeaderEntry[]): HeaderEntry[] {
  return headers
    .filter(([name, value]) => name.toLowerCase() !== 'content-length' && !isConnectionHeader(name, value))
    .map(([name, value]) => [name, typeof value !== 'string' && isSingleValueHeader(name) ? (value[0] ?? '') : value]);
}

function groupByName(trailers: readonly TrailerEntry[]): Map<string, string[]> {
  const byName = new Map<string, string[]>();
  for (const [name, value] of trailers) byName.set(name, [...(byName.get(name) ?? []), value]);
  return byName;
}
