// One canonical form for all spellings of a JSON text, and different ones for different texts.
import { describe, expect, it } from 'vitest';
import { canonicalJson as canonicalBytes } from '../../packages/core/src/http/canonical-json.js';
import { type Json, jsonNumber, leafCount, randomJson, randomOf, spell, withOtherLeaf } from './random-json.js';

/** Bytes as characters, so that nothing is replaced that is not UTF-8. */
function canonicalJson(source: string): string | null {
  return canonicalBytes(Buffer.from(source))?.toString('latin1') ?? null;
}

function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

describe('the canonical form of a JSON text', () => {
  it.each([
    ['{"b":1,"a":2}', '{"a":2,"b":1}'],
    [' {\t"b" : [ 1 , 2 ] ,\r\n"a":{ } } ', '{"a":{},"b":[1,2]}'],
    ['{"b":{"d":1,"c":2},"a":0}', '{"a":0,"b":{"c":2,"d":1}}'],
    ['[{"b":1,"a":2},[]]', '[{"a":2,"b":1},[]]'],
    ['"\\u0041\\/\\u00e9\\n"', '"A/\u00e9\\n"'],
    ['{"\\u0062":1,"a":2}', '{"a":2,"b":1}'],
    ['"a \\" } ] , : b"', '"a \\" } ] , : b"'],
    ['"\\ud83d\\ude00"', '"\u{1f600}"'],
    ['{"a":1,"b":0,"a":2}', '{"a":1,"a":2,"b":0}'],
    ['{"__proto__":1,"10":2,"9":3}', '{"9":3,"10":2,"__proto__":1}'],
    ['{"bb":1,"c":2,"ba":3,"":4}', '{"":4,"c":2,"ba":3,"bb":1}'],
    ['{"\u{1f600}":1,"\uffff":2}', '{"\uffff":2,"\u{1f600}":1}'],
    ['"\\u0000\\u0007\\b\\u001f\\u0022\\u005c\\u002f\\u007f"', '"\\u0000\\u0007\\b\\u001f\\"\\\\/\u007f"'],
    ['  true ', 'true'],
    ['null', 'null'],
    ['""', '""'],
    ['-0', '-0'],
    ['1.50E+3', '1.50E+3'],
  ])('of %s', (source, canonical) => {
    expect(canonicalJson(source)).toBe(asBytes(canonical));
  });

  it.each([
    ['9007199254740992', '9007199254740993'],
    ['1', '1.0'],
    ['1000', '1e3'],
    ['0', '-0'],
    ['1e400', '1e500'],
    ['{"a":1,"a":2}', '{"a":2}'],
    ['{"a":1,"a":2}', '{"a":2,"a":1}'],
    ['[1,2]', '[2,1]'],
    ['[1,2]', '[12]'],
    ['["a","b"]', '["a,b"]'],
    ['["a\\",\\"b"]', '["a","b"]'],
    ['1', '"1"'],
    ['null', '"null"'],
    ['[]', '{}'],
    ['[[],[]]', '[[[]]]'],
    ['{"a":{"b":1}}', '{"a":{},"b":1}'],
    ['"\\ud800"', '"\\ud801"'],
    ['"\\ud800\\ud800"', '"\\ud800"'],
    ['"\\ude00\\ud83d"', '"\\ud83d\\ude00"'],
    ['"\\ud800"', '"\ufffd"'],
  ])('tells %s from %s', (one, other) => {
    expect(canonicalJson(one)).not.toBeNull();
    expect(canonicalJson(one)).not.toBe(canonicalJson(other));
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a":1,}',
    "{'a':1}",
    '[1 2]',
    '01',
    'NaN',
    'undefined',
    '{}{}',
    '"\t"',
    '\u00a0{}',
    '"a',
    '-',
    '1.',
    '1e',
    '1e+',
    '.5',
    '+1',
    '0x1',
    'tru',
    'nulll',
    '"\\u12g4"',
    '"\\u12',
    '"\\x"',
    '"\\',
    '[1,]',
    '{,}',
    '{"a"}',
    '{"a":}',
    '{"a" 1}',
    '{1:2}',
    '[}',
    '{]',
    ']',
    ',',
    `"${'a'.repeat(100)}\n"`,
    `"${'a'.repeat(100)}`,
  ])('does not exist for %j, which is no JSON', (source) => {
    expect(canonicalJson(source)).toBeNull();
  });

  it('exists for any depth', () => {
    const depth = 200_000;
    const arrays = '['.repeat(depth) + ']'.repeat(depth);
    expect(canonicalJson(arrays) === arrays).toBe(true);
    const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(canonicalJson(objects) === objects).toBe(true);
  });

  it.each([2, 13, 32, 33, 100, 5_000, 140_000])('sorts %d members of any names', (count) => {
    const random = randomOf(count);
    const names = Array.from({ length: count }, (_, at) => `${'prefix'.repeat(random(2))}${random(count)}-${at % 7}`);
    const own = [...new Set(names)];
    const wanted = [...own].sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
    const text = (list: readonly string[]) => `{${list.map((name) => `"${name}":${name.length}`).join(',')}}`;
    expect(canonicalJson(text(own)) === text(wanted)).toBe(true);
  });

  it.each([20, 40, 1_000, 40_000])('has the members of %d long names in one order, however they were sent', (count) => {
    const random = randomOf(count);
    const names = Array.from({ length: count }, (_, at) => `${random(2)}${'long'.repeat(2 + random(12))}${at}`);
    const wanted = [...names].sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
    const text = (list: readonly string[]) => `{${list.map((name) => `"${name}":1`).join(',')}}`;
    expect(canonicalJson(text(wanted)) === text(wanted)).toBe(true);
    expect(canonicalJson(text(names)) === text(wanted)).toBe(true);
    expect(canonicalJson(text([...wanted].reverse())) === text(wanted)).toBe(true);
  });

  it('sorts each object of an array, whether its names are those of the object before it or others', () => {
    const random = randomOf(7);
    const names = ['id', 'ok', 'name', 'tags', 'price', 'nested', 'product_name', 'product_code'];
    const objects = Array.from({ length: 500 }, (_, at) => {
      const others = at % 50 < 40 ? names : [...names].sort(() => random(3) - 1);
      return others.slice(0, 2 + random(2) * 6).map((name) => [name, `{"z":${at},"y":"${'long'.repeat(random(40))}"}`]);
    });
    const text = objects.map((members) => `{${members.map(([name, value]) => `"${name}":${value}`).join(',')}}`);
    const wanted = objects.map((members) => {
      const own = [...members].sort(([one = ''], [other = '']) => one.length - other.length || (one < other ? -1 : 1));
      return `{${own.map(([name, value = '']) => `"${name}":${value.replace(/("z":\d+),(.*)}/, '$2,$1}')}`).join(',')}}`;
    });
    expect(canonicalJson(`[${text.join(',')}]`) === `[${wanted.join(',')}]`).toBe(true);
    expect(canonicalJson(`[\n${text.join(' ,\n')}\t]`) === `[${wanted.join(',')}]`).toBe(true);
  });

  it.each([12, 511, 512, 513, 2_000])('sorts an object with %d bytes between its braces', (size) => {
    const long = 'x'.repeat(size - '"b":"","a":1'.length);
    expect(canonicalJson(`[{"b":"${long}","a":1},{"b":1 ,"a":"${long}"}]`)).toBe(
      `[{"a":1,"b":"${long}"},{"a":"${long}","b":1}]`,
    );
  });

  it('sorts objects within objects at any depth', () => {
    const depth = 3_000;
    const text = `${'{"b":'.repeat(depth)}1${',"a":0}'.repeat(depth)}`;
    expect(canonicalJson(text) === `${'{"a":0,"b":'.repeat(depth)}1${'}'.repeat(depth)}`).toBe(true);
  });

  it('of a canonical text is that text, without a copy', () => {
    const source = Buffer.from('{"a":[1,"x"],"b":{"c":null}}');
    expect(canonicalBytes(source)?.buffer).toBe(source.buffer);
    expect(canonicalBytes(source)?.equals(source)).toBe(true);
  });

  it.each(['{"b\\u0062":1,"a\\/":2,"\\u0061a":3}', '{ "bb" : 1 , "a\\/" : 2 , "aa" : 3 }'])(
    'sorts by names whose escapes are resolved: %s',
    (source) => {
      expect(canonicalJson(source)).toBe('{"a/":2,"aa":3,"bb":1}');
    },
  );

  it('keeps members of one name in their order, however many there are', () => {
    const text = `{"b":0,${Array.from({ length: 300 }, (_, at) => `"a":${at}`).join(',')}}`;
    const wanted = `{${Array.from({ length: 300 }, (_, at) => `"a":${at}`).join(',')},"b":0}`;
    expect(canonicalJson(text)).toBe(wanted);
  });

  it('sorts objects within objects that are sorted', () => {
    const text = '{"d":[{"b":{"y":1,"x":[{"n":1,"m":{}}]},"a":1}],"c":{"b":1,"a":{"f":1,"e":2}},"a":1}';
    const wanted = '{"a":1,"c":{"a":{"e":2,"f":1},"b":1},"d":[{"a":1,"b":{"x":[{"m":{},"n":1}],"y":1}}]}';
    expect(canonicalJson(text)).toBe(wanted);
  });

  it('exists for a megabyte of escapes', () => {
    const source = `"${'\\\\'.repeat(500_000)}"`;
    expect(canonicalJson(source) === source).toBe(true);
  });
});

describe('of 2,000 random documents', () => {
  const documents = Array.from({ length: 2_000 }, (_, seed) => {
    const random = randomOf(seed + 1);
    return { random, document: randomJson(random, 4) };
  });

  it('every spelling has the same canonical form, which is one of its spellings', () => {
    for (const { random, document } of documents) {
      const canonical = canonicalJson(spell(document, random));
      expect(canonicalJson(spell(document, random))).toBe(canonical);
      expect(again(canonical)).toBe(canonical);
      expect(sorted(JSON.parse(Buffer.from(canonical ?? '', 'latin1').toString()))).toEqual(
        sorted(JSON.parse(spell(document, random))),
      );
    }
  });

  it('a change of any one leaf changes the canonical form', () => {
    for (const { random, document } of documents) {
      const canonical = canonicalJson(spell(document, random));
      for (let leaf = 0; leaf < leafCount(document); leaf += 1) {
        expect(canonicalJson(spell(withOtherLeaf(document, leaf), random))).not.toBe(canonical);
      }
    }
  });
});

it('a number keeps every digit of its source', () => {
  const digits = '12345678901234567890.12345678901234567890';
  expect(canonicalJson(spell({ amount: jsonNumber(digits) }, randomOf(1)))).toBe(`{"amount":${digits}}`);
});

function again(canonical: string | null): string | null {
  return canonicalBytes(Buffer.from(canonical ?? '', 'latin1'))?.toString('latin1') ?? null;
}

function sorted(value: Json): unknown {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)))
      : item,
  );
}
