// The one door through which answers leave: captured ones, replays and refusals.
import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { isFramingHeader } from '../http/headers.js';
import type { OutgoingResponse, TrailerEntry } from '../http/response.js';
import { connectionOfResponse, destroyResponse } from './disconnect/client-connection.js';
import { http2ResponseStream } from './http2/http2-stream.js';
import { sendHttp2Response } from './http2/send-http2-response.js';
import { nativeEnd } from './intercept/native-methods.js';
import { isBodyless } from './response-head.js';

/**
 * Sends a stored or composed answer on a plain response. Resolves when it was handed to the socket, or the client is
 * gone. Never rejects: an answer that cannot be sent ends the connection and is reported to `onSendError`.
 */
export function sendResponse(
  res: ServerResponse,
  response: OutgoingResponse,
  onSendError?: (error: Error) => void,
): Promise<void> {
  if (http2ResponseStream(res)) return sendHttp2Response(res, response, onSendError);
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
  // Node puts the usual phrase in place of an empty one, except for one that is given to writeHead.
  res.statusMessage = response.reason ?? '';
  if (response.reason === '') res.writeHead(response.status, '');
}

/** Node sends a short text in one piece with the head, bytes in another. Layers outside are given the bytes. */
const MAX_SINGLE_WRITE_BYTES = 16_384;

/** Nobody has patched `end`, and no wrapper reads what it writes, which would take the text for UTF-8. */
function isUnpatched(res: ServerResponse): boolean {
  return res.end === nativeEnd && res.socket instanceof Socket;
}

/** The last bytes, the trailers and the end. */
export function endResponse(res: ServerResponse, bytes: Buffer, trailers: readonly TrailerEntry[]): void {
  if (trailers.length === 0) {
    if (bytes.length === 0) res.end();
    else if (bytes.length <= MAX_SINGLE_WRITE_BYTES && isUnpatched(res)) res.end(bytes.toString('latin1'), 'latin1');
    else res.end(bytes);
    return;
  }
  // Node drops the trailers of an answer that is given to `end` alone.
  res.write(bytes);
  res.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
  res.end();
}

/** Runs `action`, which ends `res`, and waits until its bytes have left or cannot any more. Never rejects. */
export function sendAndWait(
  res: ServerResponse,
  onSendError: ((error: Error) => void) | undefined,
  action: () => void,
): Promise<void> {
  const left = whenSentOrClosed(res);
  try {
    action();
  } catch (error) {
    connectionOfResponse(res).allowDestroy();
    destroyResponse(res);
    onSendError?.(error instanceof Error ? error : new Error(String(error)));
  }
  // A half-closed socket may stay open without ever taking this.
  if (connectionOfResponse(res).isDestroyed || (res.socket && !res.socket.writable)) return Promise.resolve();
  return left;
}

/** Resolves when what is written to `res` has been handed to the socket, or the connection is gone. */
export function whenSentOrClosed(res: ServerResponse): Promise<void> {
  const connection = connectionOfResponse(res);
  return new Promise((resolve) => {
    const done = (): void => {
      connection.offClose(done);
      resolve();
    };
    // Before Node 24, 'close' does not come to a pipelined response whose turn never came.
    connection.onClose(done);
    res.on('finish', done).on('close', done);
  });
}
