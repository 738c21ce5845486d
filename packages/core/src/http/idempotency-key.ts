// Parses the idempotency key of a request from the field lines of its header.
import { describePlaceholder, findPlaceholder } from '../placeholder.js';

export type ParsedKey = { readonly ok: true; readonly key: string } | { readonly ok: false; readonly reason: string };

const maxKeyLength = 255;
/** Bounds the work: room for 255 escaped characters and for parameters, which are ignored. */
const maxFieldLength = 2048;

const bareKeyPattern = /^[A-Za-z0-9_.:+/=@~-]+$/;
const quotedStringPattern = /^"((?:[^"\\]|\\["\\])*)"(.*)$/;
/** The characters that a display string encodes: each byte of their UTF-8 as `%` and two lowercase digits. */
const encodedCharacters = [
  /%[0-7][0-9a-f]/, // one byte
  /%(?:c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]/, // two bytes
  /%(?:e0%[ab][0-9a-f]|e[1-9a-cef]%[89ab][0-9a-f]|ed%[89][0-9a-f])%[89ab][0-9a-f]/, // three bytes, without surrogates
  /%(?:f0%[9ab][0-9a-f]|f[1-3]%[89ab][0-9a-f]|f4%8[0-9a-f])(?:%[89ab][0-9a-f]){2}/, // four bytes, up to U+10FFFF
].map((form) => form.source);

const bareItemPatterns = [
  /-?\d{1,12}\.\d{1,3}/, // decimal
  /@?-?\d{1,15}/, // integer, date
  /"(?:[^"\\]|\\["\\])*"/, // string
  /[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/, // token
  /:(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?:/, // byte sequence: base64, padded or not
  /\?[01]/, // boolean
  new RegExp(`%"(?:[^"%]|${encodedCharacters.join('|')})*"`), // display string
];
const parametersPattern = new RegExp(
  `^(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:${bareItemPatterns.map((form) => form.source).join('|')}))?)*$`,
);

/**
 * Reads the key from the field lines of the header, one entry for each line received. A key is 1 to 255 printable ASCII characters: a
 * Structured Field string (RFC 9651 section 3.3.3, required by draft-ietf-httpapi-idempotency-key-header-07 section 2.1), or without
 * quotes where it has only `A-Z a-z 0-9 _ . : + / = @ ~ -`. `abc` and `"abc"` are the same key. Parameters of a string are ignored, but
 * must be well-formed. A header sent twice, or as a list, is refused. Takes time linear in the length.
 *
 * `reason` completes the sentence "The header …" and never contains anything that was received.
 */
export function parseKey(values: readonly string[]): ParsedKey {
  const [line] = values;
  if (line === undefined) return invalidKey('is missing');
  if (values.length > 1) return invalidKey('was sent more than once');
  if (line.length > maxFieldLength) return keyTooLong;
  if (/[^\x20-\x7e]/.test(line)) return invalidKey('has characters other than printable ASCII');
  const field = line.trim();
  if (field === '') return invalidKey('is empty');
  return field.startsWith('"') ? parseQuoted(field) : parseBare(field);
}

/** Checks a key that does not come from a header: 1 to 255 printable ASCII characters, without quotes around them. */
export function checkKey(key: string): ParsedKey {
  if (/[^\x20-\x7e]/.test(key)) return invalidKey('has characters other than printable ASCII');
  return checkKeyText(key);
}

function parseQuoted(field: string): ParsedKey {
  const [, text, rest] = quotedStringPattern.exec(field) ?? [];
  if (text === undefined || rest === undefined) {
    return invalidKey('is a quoted string without its end, or with a backslash before something other than " and \\');
  }
  if (rest.trimStart().startsWith(',')) return keyIsList;
  if (rest !== '' && !parametersPattern.test(rest)) {
    return invalidKey('has something after the quoted string that is not a parameter');
  }
  return checkKeyText(text.includes('\\') ? text.replace(/\\(.)/g, '$1') : text);
}

function parseBare(field: string): ParsedKey {
  if (bareKeyPattern.test(field)) return checkKeyText(field);
  if (field.includes(',')) return keyIsList;
  return invalidKey('has characters that need double quotes around the key');
}

function checkKeyText(key: string): ParsedKey {
  if (key === '') return invalidKey('is empty');
  if (key.length > maxKeyLength) return keyTooLong;
  const placeholder = findPlaceholder(key);
  if (placeholder === null) return { ok: true, key };
  return invalidKey(`names nothing: ${describePlaceholder(placeholder)}`);
}

const keyTooLong = invalidKey(`is longer than ${maxKeyLength} characters`);
const keyIsList = invalidKey('is a list; a request has one key');

function invalidKey(reason: string): ParsedKey {
  return { ok: false, reason };
}
