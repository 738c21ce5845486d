// Turns the body of a request into a form that can be compared with a repeat's, by its media type and by what parsers left of it.

import { isUint8Array } from 'node:util/types';
import { canonicalJson } from './canonical-json.js';
import { canonicalValue, isPlainObject } from './canonical-value.js';
import { charsetOf, mediaTypeOf, toUtf8 } from './media-type.js';
import { withoutBoundary } from './multipart.js';

export interface RequestBody {
  readonly headers: {
    readonly 'content-length'?: string | undefined;
    readonly 'content-encoding'?: string | undefined;
    readonly 'content-type'?: string | undefined;
  };
  /**
   * Whether the request has a body. The adapter knows: HTTP/1 has Content-Length and Transfer-Encoding, HTTP/2 the flag that ends a
   * stream.
   */
  readonly hasBody: boolean;
  /** `readableEnded` of the request's stream. */
  readonly readableEnded: boolean;
  /** The body as the framework's parsers left it. */
  readonly parsedBody: unknown;
  /** Whether a body parser has looked at the request, even if it did not parse it. Default false: it is not known. */
  readonly hasParser?: boolean | undefined;
  /** The source of the body after content decoding, where a parser kept it. */
  readonly rawBody?: Uint8Array | string | undefined;
}

/** `kind` tells apart bodies that have the same spelling, such as the text `{}` and an empty object. */
export interface ComparableBody {
  readonly ok: true;
  readonly mediaType: string;
  readonly kind: 'none' | 'json' | 'form' | 'form-value' | 'form-pairs' | 'multipart' | 'text' | 'bytes';
  readonly content: string | Uint8Array;
}

export type ComparableBodyResult = ComparableBody | { readonly ok: false; readonly reason: string };

/**
 * The content of a body in its comparable form, or the reason why there is none, with the remedy (for `body_not_parsed`). A body counts as
 * read if the stream has ended. The comparison is never weaker than the media type allows:
 *
 * | media type | from its source (`rawBody`, or bytes as body) | from the parsed body |
 * |---|---|---|
 * | `application/json`, `+json` | canonical JSON; if it is not JSON, as bytes | canonical JSON of a plain value; a string as text |
 * | `application/x-www-form-urlencoded` | pairs in their order | a plain object, URLSearchParams; a string as text |
 * | `multipart/*` | the bytes without the boundary, which differs on every send | never |
 * | any other, or none | canonical JSON where a parser made a plain object or array of it; else as bytes or text | the same; a string as text |
 *
 * JSON has the same form with and without its source, unless JavaScript writes one of its numbers differently or a member occurs twice.
 * Bytes in a charset other than UTF-8 are decoded if they are JSON. Otherwise the charset is part of the media type.
 */
export function toComparableBody(request: RequestBody): ComparableBodyResult {
  const { headers, readableEnded, parsedBody } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (!request.hasBody) return { ok: true, mediaType, kind: 'none', content: '' };
  const source = request.rawBody ?? (isUint8Array(parsedBody) ? parsedBody : undefined);
  if (mediaType.startsWith('multipart/')) return comparableMultipart(mediaType, source, headers['content-type']);
  if (!readableEnded) return { ok: false, reason: incomparableReasons.unread };

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
    'A multipart body is spelled differently on every send, and its bytes were not kept. ' +
    'Give the option `fingerprint` a function that digests its fields and files.',
  incomparable:
    'The request has a body, but no parser turned it into something that can be compared. ' +
    'Mount one for its media type, give it `verify: keepRawBody`, or give the option `fingerprint` a function.',
};

function comparableMultipart(
  mediaType: string,
  source: Uint8Array | string | undefined,
  contentType: string | undefined,
): ComparableBodyResult {
  const bytes = typeof source === 'string' ? encodeUtf8(source) : source;
  const content = bytes === undefined ? null : withoutBoundary(bytes, contentType);
  if (content === null) return { ok: false, reason: incomparableReasons.multipart };
  return { ok: true, mediaType, kind: 'multipart', content };
}

type ComparableContent = Pick<ComparableBody, 'kind' | 'content'> & { readonly mediaType?: string };

/** `charset` is empty for UTF-8. `parsed` is the body that a parser made from this source. */
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

/** Null for bytes that are not valid in their charset: decoding would make different bytes equal. */
function canonicalJsonOf(source: Uint8Array | string, charset: string): Uint8Array | null {
  const bytes = typeof source === 'string' ? encodeUtf8(source) : toUtf8(source, charset);
  return bytes === null ? null : canonicalJson(bytes);
}

/** UTF-8 replaces every lone surrogate by the same character. A JSON escape keeps each one distinct. */
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

/** What a JSON parser leaves. Some are set to parse every media type, because some webhook senders send JSON as text. */
function isObjectOrArray(body: unknown): boolean {
  return Array.isArray(body) || isPlainObject(body);
}

function contentIfAny(kind: ComparableBody['kind'], content: Buffer | null): ComparableContent | null {
  return content === null ? null : { kind, content };
}

/** The longest body that can be an empty object: `{}` and some whitespace, up to four bytes a character. */
const maxEmptyBytes = 16;

function isEmptyObject(body: unknown): boolean {
  return isPlainObject(body) && Object.keys(body).length === 0;
}

/**
 * Whether an empty object is the body. Some parsers leave `{}` where they did not match and something else has read the body. The body was
 * then too long for `{}`. The length of chunked and compressed bodies is not known: `trustUnknownLength` decides, which is true where
 * such parsers match the media type.
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
 * Pairs keep their order, which decides what `items[][id]=1` means. Each byte becomes one character, because decoding as UTF-8 would make
 * all invalid bytes equal.
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
