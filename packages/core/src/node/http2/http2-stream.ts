// HTTP/2 by the compatibility API of node:http2: its requests and responses are recognised by their stream.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';

/** The stream of a request that came over HTTP/2. */
export function http2RequestStream(req: IncomingMessage): ServerHttp2Stream | undefined {
  return http2StreamOf(req);
}

/** The stream of a response that goes out over HTTP/2. Frameworks on node:http type it as a ServerResponse, too. */
export function http2ResponseStream(res: ServerResponse): ServerHttp2Stream | undefined {
  return http2StreamOf(res);
}

/** True once nothing can reach the client: it has left, or the stream was reset. */
export function isStreamClosed(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

/** Resets a stream, so that the client can tell that its answer is incomplete. */
export function resetStream(stream: ServerHttp2Stream): void {
  // NGHTTP2_INTERNAL_ERROR. `destroy()` without an error would look like a regular end.
  if (!isStreamClosed(stream)) stream.close(2);
}

/** node:http2 itself is not imported: an application on HTTP/1 need not load it. */
export function http2StreamOf(message: object): ServerHttp2Stream | undefined {
  const stream: unknown = Reflect.get(message, 'stream');
  const isHttp2 = typeof stream === 'object' && stream !== null && typeof Reflect.get(stream, 'respond') === 'function';
  return isHttp2 ? (stream as ServerHttp2Stream) : undefined;
}
