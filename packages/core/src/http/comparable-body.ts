// What of a request's body can be compared with a retry's: the decision, by media type and by what parsers left.

import { isUint8Array } from 'node:util/types';
import { canonicalJson } from './canonical-json.js';
import { canonicalValue, isPlainObject } from './canonical-value.js';
import { charsetOf, mediaTypeOf, toUtf8 } from './media-type.js';

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
  readonly parsedBody: unknown;
  /** Whether a parser has looked at the request, and parsed it or not. Default false: nobody knows. */
  readonly hasParser?: boolean | undefined;
  /** The body's source, after content coding, where a parser kept it. */
  readonly rawBody?: Uint8Array | string | undefined;
}

/** `kind` keeps apart what happens to be spelled alike: a text that reads `{}` and an empty object. */
export interface ComparableBody {
  readonly ok: true;
  readonly mediaType: string;
  readonly kind: 'none' | 'json' | 'form' | 'form-value' | 'form-pairs' | 'text' | 'bytes';
  readonly content: string | Uint8Array;
}

export type ComparableBodyResult = ComparableBody | { readonly ok: false; readonly reason: string };

/**
 * The content of a body in its comparable form, or the reason (for `body_not_parsed`, with the remedy) why there is
 * none. A body that exists was read if the stream has ended. It is never compared more weakly than its media type allows:
 *
 * | media type | from its source (`rawBody`, or bytes as body) | from the parsed body |
 * |---|---|---|
 * | `application/json`, `+json` | canonical JSON; if it is no JSON, as bytes | canonical JSON of a plain value; a string as text |
 * | `application/x-www-form-urlencoded` | pairs in their order | a plain object, URLSearchParams; a string as text |
 * | `multipart/*` | never: its boundary differs on every send | never |
 * | any other, or none | canonical JSON where a parser made a plain object or array of it; else as bytes or text | the same; a string as text |
 *
 * JSON has one form, whether its source is at hand or not, unless JavaScript writes one of its numbers otherwise or a member occurs
 * twice. Bytes in a charset other than UTF-8 are decoded if they are JSON; else the charset counts as part of the media type.
 */
export function toComparableBody(request: RequestBody): ComparableBodyResult {
  const { headers, readableEnded, parsedBody } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (!request.hasBody) return { ok: true, mediaType, kind: 'none', content: '' };
  if (mediaType.startsWith('multipart/')) return { ok: false, reason: incomparableReasons.multipart };
  if (!readableEnded) return { ok: false, reason: incomparableReasons.unread };

  const source = request.rawBody ?? (isUint8Array(parsedBody) ? parsedBody : undefined);
  const charset = charsetOf(headers['content-type']);
  const content =
    source === undefined
      ? contentFromParsedBody(mediaType, request)
      : contentFromSource(mediaType, charset, source, parsedBody);
  return content === null
    ? { ok: false, reason: incomparableReasons.incomparable }
    : { ok: true, mediaType, ...content };
}

const incomparableReasons = {
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

type ComparableContent = Pick<ComparableBody, 'kind' | 'content'> & { readonly mediaType?: string };

/** `charset` is empty for UTF-8. `parsed` is what a parser made of this source. */
function contentFromSource(
  mediaType: string,
  charset: string,
  source: Uint8Array | string,
  parsed: unknown,
): ComparableContent {
  const isText = typeof source === 'string';
  const asSent = isText || charset === '' ? {} : { mediaType: `${mediaType}; charset=${charset}` };
  if (isForm(mediaType)) return { kind: 'form', content: parseFormPairs(source), ...asSent };
  const mayBeJson = isJson(mediaType) || isObjectOrArray(parsed);
  const json = mayBeJson ? canonicalJsonOf(source, charset) : null;
  if (json !== null) return { kind: 'json', content: json };
  return { kind: isText ? 'text' : 'bytes', content: source, ...asSent };
}

/** Bytes that are not in their charset are no JSON here, so that no two of them look alike. */
function canonicalJsonOf(source: Uint8Array | string, charset: string): Uint8Array | null {
  const bytes = typeof source === 'string' ? encodeUtf8(source) : toUtf8(source, charset);
  return bytes === null ? null : canonicalJson(bytes);
}

/** UTF-8 has one replacement for all halves of surrogate pairs; within JSON each has an escape of its own. */
function encodeUtf8(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.from(text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`));
}

function contentFromParsedBody(mediaType: string, { headers, parsedBody }: RequestBody): ComparableContent | null {
  if (typeof parsedBody === 'string') return { kind: 'text', content: parsedBody };
  if (isForm(mediaType)) return contentFromParsedForm(headers, parsedBody);
  const isJsonType = isJson(mediaType);
  if (!isJsonType && !isObjectOrArray(parsedBody)) return null;
  if (isEmptyObject(parsedBody) && !isTrustedEmptyObject(headers, isJsonType)) return null;
  return contentIfAny('json', canonicalValue(parsedBody));
}

function contentFromParsedForm(headers: RequestBody['headers'], body: unknown): ComparableContent | null {
  if (isSearchParams(body)) return { kind: 'form-pairs', content: JSON.stringify([...body]) };
  if (!isPlainObject(body) || (isEmptyObject(body) && !isTrustedEmptyObject(headers, true))) return null;
  return contentIfAny('form-value', canonicalValue(body));
}

/** What JSON parsers that are told to read every media type leave: webhook senders are known to send JSON as text. */
function isObjectOrArray(body: unknown): boolean {
  return Array.isArray(body) || isPlainObject(body);
}

function contentIfAny(kind: ComparableBody['kind'], content: Buffer | null): ComparableContent | null {
  return content === null ? null : { kind, content };
}

/** The longest spelling of an empty body that is believed: `{}`, some whitespace, up to four bytes a character. */
const maxEmptyBytes = 16;

function isEmptyObject(body: unknown): boolean {
  return isPlainObject(body) && Object.keys(body).length === 0;
}

/**
 * Whether an empty object is the body. Some parsers leave one where they did not match, and something else has read the body: it was
 * too long for `{}` then. Chunked and compressed bodies do not say how long they are. `ifUnknown`: whether they are believed, which
 * they are where the media type is one that such parsers match.
 */
function isTrustedEmptyObject(headers: RequestBody['headers'], trustUnknownLength: boolean): boolean {
  const length = headers['content-length'];
  if (length === undefined || headers['content-encoding'] !== undefined) return trustUnknownLength;
  return Number(length) <= maxEmptyBytes;
}

function isJson(mediaType: string): boolean {
  return mediaType === 'application/json' || mediaType.endsWith('+json');
}

function isForm(mediaType: string): boolean {
  return mediaType === 'application/x-www-form-urlencoded';
}

/** Of this realm or of another, as in Jest's jsdom. */
function isSearchParams(body: unknown): body is URLSearchParams {
  return Object.prototype.toString.call(body) === '[object URLSearchParams]';
}

/**
 * Pairs keep their order, which decides what `items[][id]=1` means. They stay bytes, a character each, because
 * decoding would make one character of all bytes that are not UTF-8.
 */
function parseFormPairs(source: Uint8Array | string): string {
  const text = Buffer.from(source).toString('latin1');
  const pairs = text.split('&').map((pair) => {
    const at = pair.indexOf('=');
    return at < 0
      ? [decodeFormComponent(pair)]
      : [decodeFormComponent(pair.slice(0, at)), decodeFormComponent(pair.slice(at + 1))];
  });
  return JSON.stringify(pairs);
}

function decodeFormComponent(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  return spaced.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
