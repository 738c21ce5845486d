// An answer of the handler's side, as the functions see it that classify answers.
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import type { HeaderEntry } from './headers.js';
import type { HttpResponse } from './http-exchange.js';

/** An answer as `classify` and `isFinal` see it. */
export interface ResponseView {
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  /** As it goes out, so perhaps compressed. Null where it was larger than `maxOutcomeBytes`. */
  readonly body: Uint8Array | null;
  /**
   * The body read as JSON, decompressed where its `Content-Encoding` is gzip, deflate or br. Undefined where it is not JSON or was not
   * kept. Never throws. `Body` is what you expect: nothing checks it.
   */
  json<Body = unknown>(): Body | undefined;
}

export function responseView({ status, headers, body }: HttpResponse): ResponseView {
  return {
    status,
    headers,
    get body() {
      return body === null ? null : body.toBuffer();
    },
    json<Body>() {
      return parseJsonBody(this.body, headerValue(headers, 'content-encoding')) as Body | undefined;
    },
  };
}

/** The value of a header, its lines joined. Undefined where it is missing. The name is given in lower case. */
export function headerValue(headers: readonly HeaderEntry[], name: string): string | undefined {
  const found = headers.find(([header]) => header.toLowerCase() === name)?.[1];
  return found === undefined || typeof found === 'string' ? found : found.join(', ');
}

/** Longer than any answer that is kept decompresses to: a limit for what decompresses to more by intent. */
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
    return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString());
  } catch {
    return undefined;
  }
}
