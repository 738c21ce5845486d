// JSON bodies: compares the canonical form of two texts with JSON.parse and with RFC 8785 (`canonicalize`). Two texts
// have one form exactly if they are the same JSON up to whitespace, escapes and the order of members. RFC 8785 also
// equates numbers that JavaScript reads as equal, and lets the last of several members with one name win; the check
// accounts for that.
import { isDeepStrictEqual } from 'node:util';
import canonicalize from 'canonicalize';
import { toComparableBody } from '../../packages/core/src/http/comparable-body.js';
import { leafCount, randomJson, spell, withOtherLeaf } from '../http/random-json.js';
import type { Random } from '../model/seeded-random.js';
import { damageBytes, type FuzzTarget } from './target.js';

const fragments = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\u0041',
  '\\ud800',
  '1',
  '-0',
  '1e5',
  'null',
  'true',
  ' ',
  '"a":1,',
  '\\',
  '[[[',
  '\xff',
];
/** Separates two texts. It never occurs in JSON. */
const separator = 0;

export const jsonBodies: FuzzTarget = {
  name: 'JSON bodies',
  draw(random: Random): Buffer {
    const below = (end: number): number => random.integer(0, end - 1);
    const one = randomJson(below, random.integer(0, 4));
    const other = random.chance(0.5) ? one : withOtherLeaf(one, below(leafCount(one)));
    const texts = [one, other].map((document) => Buffer.from(spell(document, below)));
    const [first, second] = texts.map((text) => (random.chance(0.3) ? damageBytes(text, random, fragments) : text));
    return Buffer.concat([first ?? Buffer.alloc(0), Buffer.of(separator), second ?? Buffer.alloc(0)]);
  },
  check(input: Buffer): string | null {
    const at = input.indexOf(separator);
    const one = read(at < 0 ? input : input.subarray(0, at));
    const other = read(at < 0 ? input : input.subarray(at + 1));
    return judgeOne(one) ?? judgeOne(other) ?? judgePair(one, other);
  },
};

interface JsonReading {
  readonly text: string | null;
  /** The value that JSON.parse returns. */
  readonly value: unknown;
  readonly form: Buffer | null;
}

function read(bytes: Buffer): JsonReading {
  const form = formOf(bytes);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, value: JSON.parse(text), form };
  } catch {
    return { text: null, value: undefined, form };
  }
}

/** JSON can escape half of a surrogate pair and UTF-8 cannot encode it; the form contains it as three bytes. */
function withEscapes(form: Buffer): string {
  const escaped = form.toString('latin1').replace(/\xed([\xa0-\xbf])([\x80-\xbf])/g, (_, high: string, low: string) => {
    const unit = 0xd000 | ((high.charCodeAt(0) & 0x3f) << 6) | (low.charCodeAt(0) & 0x3f);
    return `\\u${unit.toString(16)}`;
  });
  return Buffer.from(escaped, 'latin1').toString();
}

/** The canonical form by which a request with this body is compared; null if it is compared as bytes. */
function formOf(bytes: Buffer): Buffer | null {
  const headers = { 'content-type': 'application/json' };
  const described = toComparableBody({
    headers,
    hasBody: true,
    readableEnded: true,
    parsedBody: undefined,
    rawBody: bytes,
  });
  return described.ok && described.kind === 'json' ? Buffer.from(described.content) : null;
}

function judgeOne({ text, value, form }: JsonReading): string | null {
  if ((text === null) !== (form === null))
    return text === null ? 'JSON.parse refuses it, and we do not' : 'we refuse it';
  if (form === null) return null;
  const escaped = withEscapes(form);
  const reparsed = JSON.parse(escaped);
  if (!isDeepStrictEqual(reparsed, value)) return `the canonical form is another value: ${form}`;
  return formOf(Buffer.from(escaped))?.equals(form) ? null : `the canonical form has another one: ${form}`;
}

function judgePair(one: JsonReading, other: JsonReading): string | null {
  if (one.form === null || other.form === null) return null;
  const isOne = one.form.equals(other.form);
  const isSame = rfc8785Form(one.value) === rfc8785Form(other.value);
  if (isOne && !isSame) return `two documents have one form: ${one.form}`;
  const isPlain = [one, other].every(isWithoutNumbersOrDoubles);
  return isPlain && isSame && !isOne ? `one document has two forms: ${one.form} and ${other.form}` : null;
}

/**
 * RFC 8785. The package's types are those of an ES module, but it is CommonJS. It rejects Infinity, as which JavaScript
 * reads 1E400.
 */
function rfc8785Form(value: unknown): unknown {
  try {
    return (canonicalize as unknown as (of: unknown) => string | undefined)(value);
  } catch {
    return 'too large a number';
  }
}

/** For such texts RFC 8785 and the canonical form equate the same ones. */
function isWithoutNumbersOrDoubles({ text, value }: JsonReading): boolean {
  const outside = (text ?? '').replace(/"(?:[^"\\]|\\.)*"/g, '');
  return !/\d/.test(outside) && (outside.match(/:/g) ?? []).length === memberCount(value);
}

function memberCount(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum: number, child: unknown) => sum + memberCount(child), own);
}
