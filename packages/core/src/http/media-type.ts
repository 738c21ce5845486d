// Reads the media type and the charset from a Content-Type header.
import { isUtf8 } from 'node:buffer';
// Jest's jsdom has no global TextDecoder.
import { TextDecoder } from 'node:util';

/**
 * Type and subtype in lower case. Parameters are dropped: a boundary is random, and HTTP clients and proxies add `charset=utf-8` or change
 * its spelling.
 */
export function mediaTypeOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const end = contentType.indexOf(';');
  return (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

const charsetParameter = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]*))/i;
const utf8CharsetNames = new Set(['', 'utf-8', 'utf8', 'us-ascii', 'ascii']);

/** The charset in lower case. The empty string stands for UTF-8, which is the default, and for its subset ASCII. */
export function charsetOf(contentType: string | undefined): string {
  if (contentType === undefined) return '';
  const [, quoted, bare = ''] = charsetParameter.exec(contentType) ?? [];
  const charset = (quoted ?? bare).toLowerCase();
  return utf8CharsetNames.has(charset) ? '' : charset;
}

/** The bytes as UTF-8 without a byte order mark. Null if they are not valid in this charset, or if the charset is not known. */
export function toUtf8(bytes: Uint8Array, charset: string): Uint8Array | null {
  if (charset === '') return isUtf8(bytes) ? withoutByteOrderMark(bytes) : null;
  try {
    return Buffer.from(new TextDecoder(charset, { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}
