// Sends every response over HTTP/1: captured, replayed or refused.
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { isFramingHeader } from '../http/framing-headers.js';
import type { OutgoingResponse, TrailerEntry } from '../http/response.js';
import { connectionOfResponse, destroyResponse } from './disconnect/client-connection.js';
import { http2StreamOf } from './http2/http2-stream.js';
import { sendHttp2Response } from './http2/send-http2-response.js';
import { nativeEnd } from './intercept/native-methods.js';
import { isBodyless } from './response-head.js';

/**
 * Sends a replay or a refusal on a response to which nothing was written. Its headers are set on top of those that the response has.
 * Resolves when it was handed to the socket, or when the client has disconnected. Never rejects: a response that cannot be sent closes
 * the connection, and the error is passed to `onSendError`.
 */
export function sendResponse(
  res: ServerResponse,
  response: OutgoingResponse,
  onSendError?: (error: Error) => void,
): Promise<void> {
  if (http2StreamOf(res)) return sendHttp2Response(res, response, onSendError);
  return sendAndWait(res, onSendError, () => {
    for (const [name, value] of response.headers) {
      if (!isFramingHeader(name)) res.setHeader(name, value);
    }
    const hasBody = !isBodyless(res.req, response.status);
    const trailers = hasBody && res.useChunkedEncodingByDefault ? response.trailers : [];
    if (hasBody && trailers.length === 0) res.setHeader('Content-Length', response.body.length);
    setStatus(res, response);
    endResponse(res, hasBody ? response.body : Buffer.alloc(0), trailers);
  });
}

export function setStatus(res: ServerResponse, response: { readonly status: number; readonly reason?: string }): void {
  res.statusCode = response.status;
  // Node replaces an empty reason phrase by the usual one, unless it is passed to writeHead.
  res.statusMessage = response.reason ?? '';
  if (response.reason === '') res.writeHead(response.status, '');
}

/** Node sends a short string together with the head, but a Buffer in a second write. Outer middleware gets the Buffer. */
const MAX_SINGLE_WRITE_BYTES = 16_384;

/** No middleware has patched `end`, and no wrapper stands in for the socket: both would take the string for UTF-8. */
function isUnpatched(res: ServerResponse): boolean {
  return res.end === nativeEnd && res.socket instanceof Socket;
}

/** Writes the last bytes and the trailers, and ends the response. */
export function endResponse(res: ServerResponse, bytes: Buffer, trailers: readonly TrailerEntry[]): void {
  if (trailers.length === 0) {
    if (bytes.length === 0) res.end();
    else if (bytes.length <= MAX_SINGLE_WRITE_BYTES && isUnpatched(res)) res.end(bytes.toString('latin1'), 'latin1');
    else res.end(bytes);
    return;
  }
  // Node drops the trailers of a response whose body is passed to `end`.
  res.write(bytes);
  res.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
  res.end();
}

/** Runs `action`, which ends `res`, and waits until its bytes were sent or cannot be sent. Never rejects. */
export function sendAndWait(
  res: ServerResponse,
  onSendError: ((error: Error) => void) | undefined,
  action: () => void,
): Promise<void> {
  const connection = connectionOfResponse(res);
  const sent = whenSentOrClosed(res, connection);
  try {
    action();
  } catch (error) {
    connection.allowDestroy();
    destroyResponse(res);
    onSendError?.(error instanceof Error ? error : new Error(String(error)));
  }
  // A half-closed socket may stay open without ever taking the bytes.
  if (connection.isDestroyed || (res.socket && !res.socket.writable)) return Promise.resolve();
  return sent;
}

/** Resolves when what was written to `res` has been handed to the socket, or when the connection is closed. */
export function whenSentOrClosed(res: ServerResponse, connection = connectionOfResponse(res)): Promise<void> {
  return new Promise((resolve) => {
    let isOver = false;
    // Both events come. To resolve a promise twice costs a call into Node.
    const done = (): void => {
      if (isOver) return;
      isOver = true;
      connection.offClose(done);
      resolve();
    };
    // Before Node 24, a pipelined response whose turn never comes does not emit 'close'.
    connection.onClose(done);
    res.on('finish', done).on('close', done);
  });
}
