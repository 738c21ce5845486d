// Begins the capture of a response, over HTTP/1 or HTTP/2.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Http2Capture } from '../http2/http2-capture.js';
import { http2StreamOf } from '../http2/http2-stream.js';
import type { Capture, CaptureOptions } from './capture.js';
import { Http1Capture } from './http1-capture.js';

/**
 * Holds back everything that is written to `res` from now on. Outer middleware must have patched the response before; inner
 * middleware may patch it afterwards.
 *
 * @throws Error if the head has been written already.
 * @example
 * ```ts
 * const capture = captureResponse(req, res, { maxOutcomeBytes: 1_048_576 });
 * handler(req, res);
 * const response = await capture.ended;
 * if (response !== null) await record(response);
 * await capture.send();
 * ```
 */
export function captureResponse(req: IncomingMessage, res: ServerResponse, options: CaptureOptions): Capture {
  if (res.headersSent)
    throw new Error('captureResponse: cannot capture the response, because its head has been written');
  const stream = http2StreamOf(res);
  return stream ? new Http2Capture(res, stream, options) : new Http1Capture(req, res, options);
}
