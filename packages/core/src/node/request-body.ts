// Whether a request has a body: HTTP/1 says it in the headers, HTTP/2 with the flag that ends a stream.
import type { IncomingMessage } from 'node:http';
import { http2StreamOf, isStreamClosed } from './http2/http2-stream.js';

/** Requests over HTTP/2 that were seen to end without a byte after their headers. */
const requestsWithoutBody = new WeakSet<IncomingMessage>();

/** True unless the request is known to have no body. */
export function hasBody(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
  const stream = http2StreamOf(req);
  if (stream && length === undefined) return !stream.endAfterHeaders && !requestsWithoutBody.has(req);
  return Number(length ?? 0) !== 0 || coding !== undefined;
}

/**
 * Over HTTP/2 a client may end a request without a body by an empty frame of its own. Undefined if the body is known, else
 * a promise for the first byte or the end. Nothing is taken from the stream: whoever reads it later gets everything.
 */
export function whenBodyKnown(req: IncomingMessage): Promise<void> | undefined {
  const stream = http2StreamOf(req);
  const isUndecided = stream && req.headers['content-length'] === undefined && hasBody(req);
  // `readableFlowing` is null until somebody reads the body.
  if (!isUndecided || req.readableEnded || req.readableFlowing !== null) return undefined;
  if (isStreamClosed(stream)) return undefined;
  if (stream.state.remoteClose === 1) {
    if (stream.readableLength + req.readableLength === 0) requestsWithoutBody.add(req);
    return undefined;
  }
  return new Promise((resolve) => {
    const closed = (): void => {
      req.off('readable', readable);
      resolve();
    };
    const readable = (): void => {
      // A client that leaves ends the stream, too: what it would have sent then is not known.
      if (req.readableLength === 0 && !isStreamClosed(stream)) requestsWithoutBody.add(req);
      req.off('close', closed);
      resolve();
    };
    req.once('readable', readable).once('close', closed);
  });
}
