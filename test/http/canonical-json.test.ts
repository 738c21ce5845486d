// One canonical form for all spellings of a JSON text, and different ones for different texts.
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../packages/core/src/http/canonical-json.js';
import { type Json, jsonNumber, leafCount, randomJson, randomOf, spell, withOtherLeaf } from './random-json.js';

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
    ['"\\ud800"', '"\\ud800"'],
    ['{"a":1,"b":0,"a":2}', '{"a":1,"a":2,"b":0}'],
    ['{"__proto__":1,"10":2,"9":3}', '{"10":2,"9":3,"__proto__":1}'],
    ['  true ', 'true'],
    ['null', 'null'],
    ['""', '""'],
    ['-0', '-0'],
    ['1.50E+3', '1.50E+3'],
  ])('of %s', (source, canonical) => {
    expect(canonicalJson(source)).toBe(canonical);
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
  ])('tells %s from %s', (one, other) => {
    expect(canonicalJson(one)).not.toBeNull();
    expect(canonicalJson(one)).not.toBe(canonicalJson(other));
  });

  it.each(['', ' ', '{', '{"a":1,}', "{'a':1}", '[1 2]', '01', 'NaN', 'undefined', '{}{}', '"\t"', '\u00a0{}', '"a'])(
    'does not exist for %j, which is no JSON',
    (source) => {
      expect(canonicalJson(source)).toBeNull();
    },
  );

  it('exists for any depth', () => {
    const depth = 200_000;
    const arrays = '['.repeat(depth) + ']'.repeat(depth);
    expect(canonicalJson(arrays) === arrays).toBe(true);
    const objects = `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
    expect(canonicalJson(objects) === objects).toBe(true);
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
      expect(canonicalJson(canonical ?? '')).toBe(canonical);
      expect(sorted(JSON.parse(canonical ?? ''))).toEqual(sorted(JSON.parse(spell(document, random))));
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

function sorted(value: Json): unknown {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)))
      : item,
  );
}
