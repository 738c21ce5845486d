// The answer that nearly all are: given whole to `end`, on a response that nothing was written to.

import { type ServerResponse, STATUS_CODES } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { CapturedResponse } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import { declaredLength, headersOf, isBodyless, isEventStream } from '../response-head.js';

/**
 * The answer that `end(chunk, encoding)` makes of what stands on the response, where it is of a kind that Node takes and sends
 * as it is; else undefined, and it must be rehearsed. Node has checked each header when it was set, so it can refuse only
 * what is left out here (`_http_server.js` and `_http_outgoing.js`: writeHead, _storeHeader, write_, end).
 */
export function asSimpleResponse(res: ServerResponse, chunk: unknown, encoding: unknown): CapturedResponse | undefined {
  const { statusCode: status, statusMessage } = res;
  if (!Number.isInteger(status) || status < 200 || status > 999 || isBodyless(res.req, status)) return undefined;
  const reason = STATUS_CODES[status] ?? 'unknown';
  if (statusMessage && statusMessage !== reason) return undefined;
  if (res.strictContentLength || res.hasHeader('trailer')) return undefined;
  const body = copyBody(chunk, encoding);
  if (!body) return undefined;
  const headers = headersOf(res);
  // A list can have been changed since.
  if (headers.some(([, value]) => typeof value !== 'string')) return undefined;
  if (isEventStream(headers) || (declaredLength(headers) ?? body.length) !== body.length) return undefined;
  return {
    status,
    reason,
    headers,
    trailers: [],
    body: new ResponseBody(body),
    size: body.length,
    isStreaming: false,
  };
}

/** A copy: whoever wrote the bytes may use the memory again. */
function copyBody(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (chunk === undefined || chunk === null) return Buffer.alloc(0);
  if (isUint8Array(chunk)) return Buffer.from(chunk);
  if (typeof chunk !== 'string') return undefined;
  if (encoding === undefined || encoding === null) return Buffer.from(chunk);
  return typeof encoding === 'string' && Buffer.isEncoding(encoding) ? Buffer.from(chunk, encoding) : undefined;
}
