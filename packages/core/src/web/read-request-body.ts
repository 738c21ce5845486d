// Reads the body of a request to compare it, up to a limit, and leaves the request as if nobody had.

import { IdempotencyError } from '../errors.js';
import type { RequestBody } from '../http/comparable-body.js';
import { giveBodyAgain, rewindBody } from './buffered-body.js';
import { declaredLength } from './response-headers.js';
import type { KnownBody, WebAdapter } from './web-adapter.js';

/** `failure`: what `HttpExchange.body` throws. `brokenOff`: the body did not arrive as a whole, and nobody waits for a response. */
export type BodyReading =
  | { readonly body: RequestBody }
  | { readonly failure: unknown }
  | { readonly brokenOff: unknown };

/** Never rejects. */
export async function readRequestBody(adapter: WebAdapter<unknown>, maxBytes: number): Promise<BodyReading> {
  const { request } = adapter;
  try {
    const known = await adapter.knownBody?.();
    if (known !== undefined && 'parsed' in known) return { body: parsedBody(request, known.parsed) };
    return await readBytes(adapter, maxBytes, known);
  } catch (failure) {
    return { failure };
  }
}

async function readBytes(
  { request, cheapestBody = 'arrayBuffer' }: WebAdapter<unknown>,
  maxBytes: number,
  known: KnownBody | undefined,
): Promise<BodyReading> {
  const bytes = known !== undefined && 'bytes' in known ? known.bytes : rewindBody(request);
  if (bytes === undefined) return await readUnread(request, maxBytes, cheapestBody);
  if (bytes.byteLength > maxBytes) throw bodyTooLarge(maxBytes);
  giveBodyAgain(request, bytes);
  return { body: bodyOfBytes(request, bytes) };
}

async function readUnread(
  request: Request,
  maxBytes: number,
  cheapestBody: 'arrayBuffer' | 'stream',
): Promise<BodyReading> {
  if (request.bodyUsed) throw new IdempotencyError('body_not_parsed', usedBodyMessage);
  const length = declaredLength(request.headers);
  if (length !== undefined && length > maxBytes) throw bodyTooLarge(maxBytes);
  let bytes: Uint8Array | null;
  try {
    const isBounded = length !== undefined && cheapestBody === 'arrayBuffer';
    bytes = isBounded ? new Uint8Array(await request.arrayBuffer()) : await readAtMost(request, maxBytes);
  } catch (brokenOff) {
    return { brokenOff };
  }
  if (bytes === null || bytes.byteLength > maxBytes) throw bodyTooLarge(maxBytes);
  giveBodyAgain(request, bytes);
  return { body: bodyOfBytes(request, bytes) };
}

/** Null where the body is larger. The rest of it is not read. */
async function readAtMost(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
    size += next.value.byteLength;
    if (size <= maxBytes) continue;
    // Nobody waits for this promise.
    reader.cancel().catch(() => {});
    return null;
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function bodyOfBytes(request: Request, bytes: Uint8Array): RequestBody {
  return {
    headers: { 'content-type': contentTypeOf(request) },
    hasBody: bytes.byteLength > 0,
    readableEnded: true,
    parsedBody: undefined,
    rawBody: bytes,
  };
}

function parsedBody(request: Request, parsed: unknown): RequestBody {
  const { headers } = request;
  return {
    headers: {
      'content-type': contentTypeOf(request),
      'content-length': headers.get('content-length') ?? undefined,
      'content-encoding': headers.get('content-encoding') ?? undefined,
    },
    hasBody: true,
    readableEnded: true,
    parsedBody: parsed,
  };
}

function contentTypeOf(request: Request): string | undefined {
  return request.headers.get('content-type') ?? undefined;
}

function bodyTooLarge(maxBytes: number): IdempotencyError {
  return new IdempotencyError('body_too_large', `The body is larger than ${maxBytes} bytes.`);
}

const usedBodyMessage =
  'The body of the request was read before, so it cannot be compared. Read it in the handler, or from a clone of the request; or give ' +
  'the option parsedBody, a function that returns what a parser made of it.';
