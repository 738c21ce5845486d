// What of a request's body can be compared with a retry's: the decision, by media type and by what parsers left.
import { isUint8Array } from 'node:util/types';
import { canonicalJson } from './canonical-json.js';
import { canonicalValue, isPlainObject } from './canonical-value.js';

export interface RequestBody {
  readonly headers: {
    readonly 'content-length'?: string | undefined;
    readonly 'content-encoding'?: string | undefined;
    readonly 'content-type'?: string | undefined;
  };
  /**
   * Whether the request has a body at all. Only the adapter knows: HTTP/1 says it with Content-Length and Transfer-Encoding,
   * HTTP/2 with the flag that ends a stream.
   */
  readonly hasBody: boolean;
  /** `readableEnded` of the request's stream. */
  readonly readableEnded: boolean;
  /** What the framework's parsers left. */
  readonly body: unknown;
  /** The body's source, after content coding, where a parser kept it. */
  readonly rawBody?: Uint8Array | string | undefined;
}

/** `kind` keeps apart what happens to be spelled alike: a text that reads `{}` and an empty object. */
export interface ComparableBody {
  readonly ok: true;
  readonly mediaType: string;
  readonly kind: 'none' | 'json' | 'json-value' | 'form' | 'form-value' | 'form-pairs' | 'text' | 'bytes';
  readonly content: string | Uint8Array;
}

export type DescribedBody = ComparableBody | { readonly ok: false; readonly reason: string };

/**
 * The content of a body in its comparable form, or the reason (for `body_not_parsed`, with the remedy) why there is
 * none. A body that exists was read if the stream has ended. It is never compared more weakly than its media type allows:
 *
 * | media type | from its source (`rawBody`, or bytes as body) | from the parsed body |
 * |---|---|---|
 * | `application/json`, `+json` | canonical text; if it is no JSON, as bytes | a plain value; a string as text |
 * | `application/x-www-form-urlencoded` | pairs in their order | a plain object, URLSearchParams; a string as text |
 * | `multipart/*` | never: its boundary differs on every send | never |
 * | any other, or none | as bytes or text | a string as text |
 */
export function describeBody(request: RequestBody): DescribedBody {
  const { headers, readableEnded, body } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (!request.hasBody) return { ok: true, mediaType, kind: 'none', content: '' };
  if (mediaType.startsWith('multipart/')) return { ok: false, reason: reasons.multipart };
  if (!readableEnded) return { ok: false, reason: reasons.unread };

  const source = request.rawBody ?? (isUint8Array(body) ? body : undefined);
  const content = source === undefined ? fromParsed(mediaType, request) : fromSource(mediaType, source);
  return content === null ? { ok: false, reason: reasons.incomparable } : { ok: true, mediaType, ...content };
}

const reasons = {
  unread:
    'The request has a body that was not read. ' +
    'Mount a body parser for its media type before the idempotency middleware.',
  multipart:
    'A multipart body is spelled differently on every send. ' +
    'Give the option `fingerprint` a function that digests its fields and files.',
  incomparable:
    'The request has a body, but no parser turned it into something that can be compared. ' +
    'Mount one for its media type, give it `verify: keepRawBody`, or give the option `fingerprint` a function.',
};

/**
 * Type and subtype in lower case. Parameters are dropped: a boundary is random, and HTTP clients and proxies add and
 * respell `charset`, while the content is compared anyway.
 */
function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

type Content = Pick<ComparableBody, 'kind' | 'content'>;

function fromSource(mediaType: string, source: Uint8Array | string): Content {
  if (isForm(mediaType)) return { kind: 'form', content: formPairs(source) };
  const text = isJson(mediaType) ? decode(source) : null;
  const json = text === null ? null : canonicalJson(text);
  if (json !== null) return { kind: 'json', content: json };
  return { kind: typeof source === 'string' ? 'text' : 'bytes', content: source };
}

function fromParsed(mediaType: string, { headers, body }: RequestBody): Content | null {
  if (typeof body === 'string') return { kind: 'text', content: body };
  if (isLeftOver(headers, body)) return null;
  if (isJson(mediaType)) return comparable('json-value', canonicalValue(body));
  if (!isForm(mediaType)) return null;
  if (body instanceof URLSearchParams) return { kind: 'form-pairs', content: JSON.stringify([...body]) };
  return isPlainObject(body) ? comparable('form-value', canonicalValue(body)) : null;
}

function comparable(kind: ComparableBody['kind'], content: string | null): Content | null {
  return content === null ? null : { kind, content };
}

/** The longest spelling of an empty body that is believed: `{}`, some whitespace, up to four bytes a character. */
const maxEmptyBytes = 16;

/**
 * Whether an empty object is what a parser leaves where it did not match, while something else read the body: the
 * body was too long for it. Chunked or compressed bodies do not tell their length, and are believed.
 */
function isLeftOver(headers: RequestBody['headers'], body: unknown): boolean {
  if (!isPlainObject(body) || Object.keys(body).length > 0) return false;
  return headers['content-encoding'] === undefined && Number(headers['content-length'] ?? 0) > maxEmptyBytes;
}

function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}

function isForm(mediaType: string): boolean {
  return mediaType === 'application/x-www-form-urlencoded';
}

/** JSON is UTF-8 (RFC 8259 section 8.1). Bytes that are not are no JSON here, so that no two of them look alike. */
function decode(source: Uint8Array | string): string | null {
  if (typeof source === 'string') return source;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(source);
  } catch {
    return null;
  }
}

/**
 * Pairs keep their order, which decides what `items[][id]=1` means. They stay bytes, a character each, because
 * decoding would make one character of all bytes that are not UTF-8.
 */
function formPairs(source: Uint8Array | string): string {
  const text = Buffer.from(source).toString('latin1');
  const pairs = text.split('&').map((pair) => {
    const at = pair.indexOf('=');
    return at < 0 ? [unescapeForm(pair)] : [unescapeForm(pair.slice(0, at)), unescapeForm(pair.slice(at + 1))];
  });
  return JSON.stringify(pairs);
}

function unescapeForm(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  return spaced.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
