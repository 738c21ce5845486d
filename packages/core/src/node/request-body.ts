// The body of a request, as it is compared, and whether there is one. HTTP/1 says so in the headers, HTTP/2 with the flag that ends a stream.
import type { IncomingMessage } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { RequestBody } from '../http/comparable-body.js';
import { rawBodyOf } from '../http/raw-body.js';
import { http2StreamOf, isStreamClosed } from './http2/http2-stream.js';

/** Requests over HTTP/2 that have ended without a byte after their headers. */
const requestsWithoutBody = new WeakSet<IncomingMessage>();

/** The body of a request with what a framework's parser has made of it. Its source is taken from `keepRawBody` where that was used. */
export function requestBody(
  req: IncomingMessage,
  { parsedBody, hasParser, rawBody }: Pick<RequestBody, 'parsedBody' | 'hasParser' | 'rawBody'>,
): RequestBody {
  return {
    headers: req.headers,
    hasBody: hasBody(req),
    readableEnded: req.readableEnded || isWholeBody(req, parsedBody),
    parsedBody,
    hasParser,
    rawBody: rawBodyOf(req) ?? rawBody,
  };
}

/** A wrapper that creates a request without Node's server may put the whole body on it, and then nothing reads the stream. */
function isWholeBody({ headers }: IncomingMessage, body: unknown): boolean {
  return isUint8Array(body) && body.byteLength === Number(headers['content-length']);
}

/** True unless the request is known to have no body. */
export function hasBody(req: IncomingMessage): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = req.headers;
  const stream = http2StreamOf(req);
  if (stream && length === undefined) return !stream.endAfterHeaders && !requestsWithoutBody.has(req);
  return Number(length ?? 0) !== 0 || coding !== undefined;
}

/**
 * Over HTTP/2 a client may end a request without a body by a separate empty frame. Returns undefined if it is known whether there is a
 * body, else a promise that resolves with the first byte or the end. It reads nothing from the stream, so that a body parser gets all
 * bytes.
 */
export function whenBodyKnown(req: IncomingMessage): Promise<void> | undefined {
  const stream = http2StreamOf(req);
  const isUnknown = stream && req.headers['content-length'] === undefined && hasBody(req);
  // `readableFlowing` is null until a consumer reads the body.
  if (!isUnknown || req.readableEnded || req.readableFlowing !== null) return undefined;
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
      // A client that disconnects also ends the stream. Whether it would have sent a body is then not known.
      if (req.readableLength === 0 && !isStreamClosed(stream)) requestsWithoutBody.add(req);
      req.off('close', closed);
      resolve();
    };
    req.once('readable', readable).once('close', closed);
  });
}
