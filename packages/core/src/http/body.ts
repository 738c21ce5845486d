// What of a request's body can be compared with a retry's: the decision, by media type and by what parsers left.

import { isUint8Array } from 'node:util/types';
import { canonicalJson } from './canonical-json.js';
import { canonicalValue, isPlainObject } from './canonical-value.js';
import { charsetOf, decoded, mediaTypeOf } from './media-type.js';

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

export type DescribedBody = ComparableBody | { readonly ok: false; readonly reason: string };

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
export function describeBody(request: RequestBody): DescribedBody {
  const { headers, readableEnded, body } = request;
  const mediaType = mediaTypeOf(headers['content-type']);
  if (!request.hasBody) return { ok: true, mediaType, kind: 'none', content: '' };
  if (mediaType.startsWith('multipart/')) return { ok: false, reason: reasons.multipart };
  if (!readableEnded) return { ok: false, reason: reasons.unread };

  const source = request.rawBody ?? (isUint8Array(body) ? body : undefined);
  const charset = charsetOf(headers['content-type']);
  const content = source === undefined ? fromParsed(mediaType, request) : fromSource(mediaType, charset, source, body);
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

type Content = Pick<ComparableBody, 'kind' | 'content'> & { readonly mediaType?: string };

/** `charset` is empty for UTF-8. `parsed` is what a parser made of this source. */
function fromSource(mediaType: string, charset: string, source: Uint8Array | string, parsed: unknown): Content {
  const isText = typeof source === 'string';
  const asSent = isText || charset === '' ? {} : { mediaType: `${mediaType}; charset=${charset}` };
  if (isForm(mediaType)) return { kind: 'form', content: formPairs(source), ...asSent };
  const mayBeJson = isJson(mediaType) || isParsedJson(parsed);
  const json = mayBeJson ? jsonOf(source, charset) : null;
  if (json !== null) return { kind: 'json', content: json };
  return { kind: isText ? 'text' : 'bytes', content: source, ...asSent };
}

/** Bytes that are not in their charset are no JSON here, so that no two of them look alike. */
function jsonOf(source: Uint8Array | string, charset: string): Uint8Array | null {
  const bytes = typeof source === 'string' ? utf8(source) : decoded(source, charset);
  return bytes === null ? null : canonicalJson(bytes);
}

/** UTF-8 has one replacement for all halves of surrogate pairs; within JSON each has an escape of its own. */
function utf8(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text);
  return Buffer.from(text.replace(/\p{Surrogate}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`));
}

function fromParsed(mediaType: string, { headers, body }: RequestBody): Content | null {
  if (typeof body === 'string') return { kind: 'text', content: body };
  if (isForm(mediaType)) return fromParsedForm(headers, body);
  const isJsonType = isJson(mediaType);
  if (!isJsonType && !isParsedJson(body)) return null;
  if (isEmptyObject(body) && !isBelieved(headers, isJsonType)) return null;
  return comparable('json', canonicalValue(body));
}

function fromParsedForm(headers: RequestBody['headers'], body: unknown): Content | null {
  if (isSearchParams(body)) return { kind: 'form-pairs', content: JSON.stringify([...body]) };
  if (!isPlainObject(body) || (isEmptyObject(body) && !isBelieved(headers, true))) return null;
  return comparable('form-value', canonicalValue(body));
}

/** What JSON parsers that are told to read every media type leave: webhook senders are known to send JSON as text. */
function isParsedJson(body: unknown): boolean {
  return Array.isArray(body) || isPlainObject(body);
}

function comparable(kind: ComparableBody['kind'], content: Buffer | null): Content | null {
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
function isBelieved(headers: RequestBody['headers'], ifUnknown: boolean): boolean {
  const length = headers['content-length'];
  if (length === undefined || headers['content-encoding'] !== undefined) return ifUnknown;
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
