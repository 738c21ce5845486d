// The idempotency key of a request: the header's field lines in, the key or a reason for refusing out.
import { placeholderCause, placeholderIn } from '../placeholder.js';

export type ParsedKey = { readonly ok: true; readonly key: string } | { readonly ok: false; readonly reason: string };

const maxKeyLength = 255;
/** Bounds the work: 255 characters, each of them escaped, and room for parameters that nobody reads. */
const maxFieldLength = 2048;

const bareKey = /^[A-Za-z0-9_.:+/=@~-]+$/;
const quotedItem = /^"((?:[^"\\]|\\["\\])*)"(.*)$/;
const bareItem = [
  /-?\d{1,12}\.\d{1,3}/, // decimal
  /@?-?\d{1,15}/, // integer, date
  /"(?:[^"\\]|\\["\\])*"/, // string
  /[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/, // token
  /:[A-Za-z0-9+/=]*:/, // byte sequence
  /\?[01]/, // boolean
  /%"(?:[^"%]|%[0-9a-f]{2})*"/, // display string
];
const parameters = new RegExp(
  `^(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:${bareItem.map((form) => form.source).join('|')}))?)*$`,
);

/**
 * Reads the key from the header's field lines, one entry for each line that was received. A key is 1 to 255 printable
 * ASCII characters, sent as a Structured Field string (RFC 9651 section 3.3.3, which
 * draft-ietf-httpapi-idempotency-key-header-07 section 2.1 asks for), or bare where it has only
 * `A-Z a-z 0-9 _ . : + / = @ ~ -`. `abc` and `"abc"` are one key. Parameters of a string are ignored, but must be
 * well-formed; a header sent twice, or as a list, is refused. Takes time linear in the length.
 *
 * `reason` completes "The header cannot be used: it …", and never repeats anything that was received.
 */
export function parseKey(values: readonly string[]): ParsedKey {
  const [line] = values;
  if (line === undefined) return refused('is missing');
  if (values.length > 1) return refused('was sent more than once');
  if (line.length > maxFieldLength) return tooLong;
  if (/[^\x20-\x7e]/.test(line)) return refused('has characters other than printable ASCII');
  const field = line.trim();
  if (field === '') return refused('is empty');
  return field.startsWith('"') ? parseQuoted(field) : parseBare(field);
}

/** Checks a key that did not come from a header: the same 1 to 255 printable ASCII characters, without quotes around them. */
export function checkKey(key: string): ParsedKey {
  if (/[^\x20-\x7e]/.test(key)) return refused('has characters other than printable ASCII');
  return checkText(key);
}

function parseQuoted(field: string): ParsedKey {
  const [, text, rest] = quotedItem.exec(field) ?? [];
  if (text === undefined || rest === undefined) {
    return refused('is a quoted string without its end, or with a backslash before something other than " and \\');
  }
  if (rest.trimStart().startsWith(',')) return list;
  if (rest !== '' && !parameters.test(rest)) {
    return refused('has something after the quoted string that is not a parameter');
  }
  return checkText(text.includes('\\') ? text.replace(/\\(.)/g, '$1') : text);
}

function parseBare(field: string): ParsedKey {
  if (bareKey.test(field)) return checkText(field);
  if (field.includes(',')) return list;
  return refused('has characters that need double quotes around the key');
}

function checkText(key: string): ParsedKey {
  if (key === '') return refused('is empty');
  if (key.length > maxKeyLength) return tooLong;
  const placeholder = placeholderIn(key);
  if (placeholder === null) return { ok: true, key };
  return refused(`names nothing: ${placeholderCause(placeholder)}`);
}

const tooLong = refused(`is longer than ${maxKeyLength} characters`);
const list = refused('is a list; a request has one key');

function refused(reason: string): ParsedKey {
  return { ok: false, reason };
}
