// HTTP/2 by the compatibility API of node:http2: its requests and responses are recognised by their stream.
import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';

/** The stream of a request that came over HTTP/2. */
export function requestStream(req: IncomingMessage): ServerHttp2Stream | undefined {
  return streamOf(req);
}

/** node:http2 itself is not imported: an application on HTTP/1 need not load it. */
function streamOf(message: object): ServerHttp2Stream | undefined {
  const stream: unknown = Reflect.get(message, 'stream');
  const isHttp2 = typeof stream === 'object' && stream !== null && typeof Reflect.get(stream, 'respond') === 'function';
  return isHttp2 ? (stream as ServerHttp2Stream) : undefined;
}
