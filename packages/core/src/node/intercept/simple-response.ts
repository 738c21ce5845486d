// The fast path for the most frequent response: the whole body is passed to `end`, and nothing was written before.
//
// A dry run of such a response cannot fail. Node checked each header when it was set, and `asSimpleResponse` excludes
// everything else that Node could refuse. So this file captures the response without a shadow response. Without this file
// every response would take the general path (`dry-run.ts`), with the same outcome.
//
// How it was measured: `bench/micro` captures one small response on this path, and one with a dry run because of its reason
// phrase. In CPU time, the lower quartile of 56 runs of 2,000 responses each, this path takes 22 µs instead of 32 µs on
// Node 20, 19 µs instead of 29 µs on Node 22, and 32 µs instead of 47 µs on Node 24 (on a busier machine).
import { type ServerResponse, STATUS_CODES } from 'node:http';
import { isUint8Array } from 'node:util/types';
import type { CapturedResponse, ResponseHead } from '../../http/response.js';
import { ResponseBody } from '../../http/response-body.js';
import type { ResponseBuffer } from '../capture/response-buffer.js';
import { declaredLength, headersOf, isBodyless, isEventStream } from '../response-head.js';
import type { DryRun } from './dry-run.js';
import { chunkToBuffer } from './write-arguments.js';

/** Captures the response that `end(chunk, encoding)` makes. False, and nothing done, if it needs a dry run. */
export function captureSimpleResponse(
  res: ServerResponse,
  dryRun: DryRun,
  buffer: ResponseBuffer,
  chunk: unknown,
  encoding: unknown,
): boolean {
  if (!dryRun.isUntouched) return false;
  const response = asSimpleResponse(res, chunk, encoding);
  if (!response) return false;
  const headText = formatHead(response);
  if (!buffer.tryBufferWhole(response, headText)) return false;
  dryRun.skip(headText);
  res.statusMessage = response.reason;
  return true;
}

/**
 * The response, if Node would accept it and send it unchanged; else undefined. The conditions cover what `writeHead`,
 * `_storeHeader`, `write_` and `end` check in Node's `_http_server.js` and `_http_outgoing.js`.
 */
function asSimpleResponse(res: ServerResponse, chunk: unknown, encoding: unknown): CapturedResponse | undefined {
  const { statusCode: status, statusMessage } = res;
  if (!Number.isInteger(status) || status < 200 || status > 999 || isBodyless(res.req, status)) return undefined;
  const reason = STATUS_CODES[status] ?? 'unknown';
  if (statusMessage && statusMessage !== reason) return undefined;
  if (res.strictContentLength || res.hasHeader('trailer')) return undefined;
  const body = copyBody(chunk, encoding);
  if (!body) return undefined;
  const headers = headersOf(res);
  // The application may have changed a list of values after Node checked it.
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

/** A copy: the application may reuse the memory of its bytes after `end`. */
function copyBody(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (chunk === undefined || chunk === null) return Buffer.alloc(0);
  return isUint8Array(chunk) ? Buffer.from(chunk) : chunkToBuffer(chunk, encoding);
}

/** The text of a head, without the headers that Node adds. */
function formatHead({ status, reason, headers }: ResponseHead): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (const [name, value] of headers) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
