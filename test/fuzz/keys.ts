// Keys: compares `parseKey` on a header line with a parser of Structured Fields (RFC 9651).
import { parseItem } from 'structured-headers';
import { parseKey } from '../../packages/core/src/http/idempotency-key.js';
import type { Random } from '../model/seeded-random.js';
import { damageBytes, escapeBytes, type FuzzTarget } from './target.js';

const fragments = [
  '"',
  '\\"',
  '\\\\',
  '\\',
  ' ',
  ';',
  ';a',
  ';a=1',
  ';b="x"',
  ',',
  'abc',
  ':YQ==:',
  ';c=:YQ:',
  ';d=%"%c3%bc"',
  '%e2',
  '%82%ac',
  '%f0%9f',
  '%98%80',
  '?1',
  '=',
  '\t',
  'é',
  '@1',
];

export const headerKeys: FuzzTarget = {
  name: 'keys',
  draw(random: Random): Buffer {
    const inner = Array.from({ length: random.integer(0, 12) }, () => random.pick(fragments)).join('');
    const whole = random.pick([
      `"${inner}"`,
      inner,
      `"key-${random.integer(0, 999)}"${inner}`,
      `"${'k'.repeat(random.integer(250, 258))}"`,
    ]);
    const line = Buffer.from(whole, 'latin1');
    return random.chance(0.5) ? line : damageBytes(line, random, fragments);
  },
  check(input: Buffer): string | null {
    // Node has removed the whitespace around a line, and lets no line end through.
    const line = input
      .toString('latin1')
      .replace(/[\r\n\0]/g, '')
      .trim();
    return line.startsWith('"') ? judgeQuoted(line) : judgeBare(line);
  },
};

function judgeQuoted(line: string): string | null {
  const ours = parseKey([line]);
  const theirs = stringIn(line);
  if (ours.ok && ours.key !== theirs) return `we read ${escapeBytes(Buffer.from(ours.key))}, they ${String(theirs)}`;
  const isKey = theirs !== null && theirs.length >= 1 && theirs.length <= 255 && line.length <= 2048;
  if (!ours.ok && isKey) return `they read ${escapeBytes(Buffer.from(theirs))}, and we refuse it: it ${ours.reason}`;
  return null;
}

/** A bare key equals the same key in quotes, or is invalid. */
function judgeBare(line: string): string | null {
  const bare = parseKey([line]);
  if (!bare.ok) return null;
  const quoted = parseKey([`"${bare.key}"`]);
  return quoted.ok && quoted.key === bare.key && stringIn(`"${line}"`) === bare.key
    ? null
    : 'it is another key in quotes';
}

/** The text in quotes, and the rest. */
const quoted = /^("(?:[^"\\]|\\.)*")(.*)$/;

/**
 * Null for what is no string. The reference parser (structured-headers 2.1) reads a Date, such as `@1`, only at the end
 * of a line, so it gets an Integer in place of a Date that a parameter follows.
 */
function stringIn(line: string): string | null {
  const [, text = line, rest = ''] = quoted.exec(line) ?? [];
  try {
    const [value] = parseItem(text + rest.replace(/=@(?=-?\d{1,15} *;)/g, '='));
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
