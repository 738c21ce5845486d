// The syntax of the idempotency key: which header values name which key, and which are refused.
import { describe, expect, it } from 'vitest';
import { parseKey } from '../../packages/core/src/http/idempotency-key.js';

const uuid = '8e03978e-40d5-43dd-bc93-6894a57f9324';
const tooLong = 'is longer than 255 characters';
const notAscii = 'has characters other than printable ASCII';
const needsQuotes = 'has characters that need double quotes around the key';
const list = 'is a list; a request has one key';
const noParameter = 'has something after the quoted string that is not a parameter';
const noEnd = 'is a quoted string without its end, or with a backslash before something other than " and \\';

describe('a well-formed header names one key', () => {
  it.each([
    ['a quoted UUID', `"${uuid}"`, uuid],
    ['a bare UUID', uuid, uuid],
    ['one character', 'a', 'a'],
    ['every character that may stand bare', 'AZaz09_.:+/=@~-', 'AZaz09_.:+/=@~-'],
    ['255 bare characters', 'x'.repeat(255), 'x'.repeat(255)],
    ['255 quoted characters', `"${'x'.repeat(255)}"`, 'x'.repeat(255)],
    ['255 characters, each escaped', `"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    ['a space within quotes', '"a b"', 'a b'],
    ['a comma within quotes', '"a, b"', 'a, b'],
    ['a semicolon within quotes', '"a;b"', 'a;b'],
    ['a lone space within quotes', '" "', ' '],
    ['an escaped quote', '"a\\"b"', 'a"b'],
    ['an escaped backslash', '"a\\\\b"', 'a\\b'],
    ['an escaped backslash before the end', '"a\\\\"', 'a\\'],
    ['a string of spaces around it', `   "${uuid}"  `, uuid],
    ['spaces around a bare key', ` ${uuid} `, uuid],
  ])('%s', (_, field, key) => {
    expect(parseKey([field])).toEqual({ ok: true, key });
  });

  it('the quoted and the bare spelling are one key', () => {
    expect(parseKey(['"abc"'])).toEqual(parseKey(['abc']));
  });

  it.each([
    ';a',
    ';a;b',
    '; a=1',
    ';a=-1.5',
    ';a=@1659578233',
    ';a="x;y\\""',
    ';a=tok/en:x',
    ';a=:YWJj:',
    ';a=:YQ:',
    ';a=::',
    ';a=?1',
    ';a=%"f%c3%bc"',
    ';a=%"%e2%82%ac %f0%9f%98%80 %22%25"',
    ';*k-1._*=1',
  ])('the parameters %s of a string are ignored', (parameters) => {
    expect(parseKey([`"abc"${parameters}`])).toEqual({ ok: true, key: 'abc' });
  });
});

describe('anything else is refused with a reason', () => {
  it.each([
    ['no line', [], 'is missing'],
    ['two lines', ['abc', 'abc'], 'was sent more than once'],
    ['an empty header', [''], 'is empty'],
    ['spaces only', ['   '], 'is empty'],
    ['an empty string', ['""'], 'is empty'],
    ['256 bare characters', ['x'.repeat(256)], tooLong],
    ['256 quoted characters', [`"${'x'.repeat(256)}"`], tooLong],
    ['10 kB', ['x'.repeat(10_000)], tooLong],
    ['10 kB of spaces', [' '.repeat(10_000)], tooLong],
    ['a TAB', ['a\tb'], notAscii],
    ['a TAB within quotes', ['"a\tb"'], notAscii],
    ['DEL', ['a\x7f'], notAscii],
    ['a byte over 127', ['caf\xe9'], notAscii],
    ['a byte over 127 within quotes', ['"caf\xe9"'], notAscii],
    ['a character over 255', ['"\u20ac"'], notAscii],
    ['a bare space', ['a b'], needsQuotes],
    ['a bare semicolon', ['a;b'], needsQuotes],
    ['a bare key with parameters', ['abc;q=1'], needsQuotes],
    ['a bare quote', ['a"b'], needsQuotes],
    ['single quotes', ["'abc'"], needsQuotes],
    ['a bare list', ['a, b'], list],
    ['a bare list without space', ['a,b'], list],
    ['a list of strings', ['"a", "b"'], list],
    ['a list with a space before the comma', ['"a" , "b"'], list],
    ['a trailing comma', ['"a",'], list],
    ['a string without end', ['"abc'], noEnd],
    ['a lone quote', ['"'], noEnd],
    ['an end that is escaped', ['"abc\\"'], noEnd],
    ['an escape that is none', ['"a\\nb"'], noEnd],
    ['something after the string', ['"abc"def'], noParameter],
    ['two strings', ['"abc" "def"'], noParameter],
    ['a space before the semicolon', ['"abc" ;a'], noParameter],
    ['a parameter without a name', ['"abc";'], noParameter],
    ['a parameter in capitals', ['"abc";A'], noParameter],
    ['a parameter without a value', ['"abc";a='], noParameter],
    ['a parameter that is no item', ['"abc";a=(1)'], noParameter],
    ['a parameter with an open string', ['"abc";a="x'], noParameter],
    ['a byte sequence that base64 cannot decode', ['"abc";a=:Y:'], noParameter],
    ['a byte sequence that begins with padding', ['"abc";a=:=YQ=:'], noParameter],
    ['a byte sequence with half of its padding', ['"abc";a=:YQ=:'], noParameter],
    ['a display string cut within a character', ['"abc";a=%"%e2%82"'], noParameter],
    ['a display string with an encoded surrogate', ['"abc";a=%"%ed%a0%80"'], noParameter],
    ['a display string with an overlong encoding', ['"abc";a=%"%c0%af"'], noParameter],
    ['a display string with capital digits', ['"abc";a=%"%C3%BC"'], noParameter],
    ['a number that is too long', ['"abc";a=1234567890123456'], noParameter],
  ])('%s', (_, lines, reason) => {
    expect(parseKey(lines)).toEqual({ ok: false, reason });
  });

  it('without ever repeating what was sent', () => {
    const sent = ['zq7\r\nzq7', '\x1b[31mzq7', '"zq7', '"zq7"zq7', 'zq7 zq7', 'zq7,zq7', 'zq7'.repeat(1_000)];
    for (const line of sent) {
      const parsed = parseKey([line]);
      expect(parsed.ok ? parsed.key : parsed.reason).not.toMatch(/zq7|[^\x20-\x7e]/);
    }
  });
});

it('the longest hostile values are refused like any other', () => {
  const filled = (start: string, unit: string, end: string): string =>
    start + unit.repeat((2_048 - start.length - end.length) / unit.length) + end;
  expect(filled('"', '\\"', '')).toHaveLength(2_047);
  const hostile: [string, string][] = [
    [filled('"', '\\"', ''), noEnd],
    [filled('"', 'a', ''), noEnd],
    [filled('"a"', ';a', '!'), noParameter],
    [filled('"a"', ';a=1', '!'), noParameter],
    [filled('"a"', ';a="\\""', '"'), noParameter],
    [filled('"a";a=', 'a', '"'), noParameter],
    [filled('"a"; ', ' ', 'A'), noParameter],
    [filled('a', ' ', 'b'), needsQuotes],
  ];
  for (const [line, reason] of hostile) expect(parseKey([line])).toEqual({ ok: false, reason });
});
