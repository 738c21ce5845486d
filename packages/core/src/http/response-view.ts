// A response as `classify` and `isFinal` see it, and what `classify` may return.
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { type HeaderEntry, headerValue } from './headers.js';
import type { CapturedResponse } from './response.js';

/**
 * What a response means for its key.
 *
 * - `record`: the response is recorded, and every repeat gets it.
 * - `retry`: the key is released. It stays bound to its payload.
 * - `unknown`: nothing runs under the key until somebody decides.
 */
export type Classification = 'record' | 'retry' | 'unknown';

/** The response that a handler has ended. */
export interface ResponseView {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  /** The bytes as they are sent, so perhaps compressed. Null where the body was larger than `maxOutcomeBytes`. */
  readonly body: Uint8Array | null;
  /**
   * Parses the body as JSON, after decompression where its `Content-Encoding` is gzip, deflate or br. Undefined where it is not JSON or
   * was not kept. Never throws. `Body` is the type that you expect; nothing checks it.
   */
  json<Body = unknown>(): Body | undefined;
}

export function responseView({ status, headers, body }: CapturedResponse): ResponseView {
  const bytes = () => (body === null ? null : body.toBuffer());
  return {
    status,
    headers,
    // A getter: a body of several blocks is joined only where somebody looks at it.
    get body() {
      return bytes();
    },
    json: <Body>() => parseJsonBody(bytes(), headerValue(headers, 'content-encoding')) as Body | undefined,
  };
}

/** A limit for bodies that are made to decompress to a huge size. */
const maxOutputLength = 64 * 1024 * 1024;

const contentDecoders: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, { maxOutputLength }),
  'x-gzip': (bytes) => gunzipSync(bytes, { maxOutputLength }),
  deflate: (bytes) => inflateSync(bytes, { maxOutputLength }),
  br: (bytes) => brotliDecompressSync(bytes, { maxOutputLength }),
};

function parseJsonBody(body: Uint8Array | null, encoding = 'identity'): unknown {
  if (body === null) return undefined;
  try {
    const bytes = contentDecoders[encoding.trim().toLowerCase()]?.(body);
    return bytes === undefined ? undefined : JSON.parse(textOf(bytes));
  } catch {
    return undefined;
  }
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
