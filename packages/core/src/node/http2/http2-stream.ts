// HTTP/2 through the compatibility API of node:http2: its requests and responses are recognised by their stream.
import type { ServerHttp2Stream } from 'node:http2';

/**
 * The stream of a request or response over HTTP/2. Frameworks on node:http give it the types of HTTP/1, too. Does not import
 * node:http2: an application on HTTP/1 need not load it.
 */
export function http2StreamOf(message: object): ServerHttp2Stream | undefined {
  const { stream } = message as { readonly stream?: unknown };
  const isHttp2 = typeof stream === 'object' && stream !== null && typeof Reflect.get(stream, 'respond') === 'function';
  return isHttp2 ? (stream as ServerHttp2Stream) : undefined;
}

/** True if nothing can reach the client: it has disconnected, or the stream was reset. */
export function isStreamClosed(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

/** Resets a stream, so that the client can tell that its response is incomplete. */
export function resetStream(stream: ServerHttp2Stream): void {
  // 2 is NGHTTP2_INTERNAL_ERROR. `destroy()` without an error would look like a regular end.
  if (!isStreamClosed(stream)) stream.close(2);
}
