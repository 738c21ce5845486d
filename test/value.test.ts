// Values as bytes: what comes back as it was, what is refused, and which payloads are equal.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { decodeValue, encodeValue, UnencodableValue } from '../packages/core/src/value.js';

const text = (value: unknown) => encodeValue(value, { sorted: true }).toString();

describe('A value that is refused, since it could not come back as it was:', () => {
  class Money {
    amount = 1;
  }
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const nested = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000));

  it.each([
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['an instance of a class', new Money(), 'instance of Money'],
    ['an instance of a class without a name', new (class {})(), 'instance of a class'],
    ['a Map', new Map(), 'instance of Map'],
    ['an Error', new Error('x'), 'instance of Error'],
    ['a Promise', Promise.resolve(1), 'instance of Promise'],
    ['a boxed number', Object(1), 'instance of Number'],
    ['an invalid Date', new Date(Number.NaN), 'invalid Date'],
    ['a kind of Date', new (class Day extends Date {})(), 'instance of Day'],
    ['a kind of array', new (class List extends Array {})(), 'instance of List'],
    ['a kind of Uint8Array', new (class Key extends Uint8Array {})(1), 'instance of Key'],
    ['another typed array', new Uint16Array(1), 'instance of Uint16Array'],
    ['an array with holes', new Array(3), 'holes'],
    ['an array with members of its own', /./.exec('a'), 'members besides'],
    ['a circle', circular, 'circular'],
    ['what is nested too deep', nested, 'nested too deep'],
  ])('%s', (_title, value, why) => {
    for (const at of [value, [value], { member: value }]) {
      expect(() => encodeValue(at)).toThrow(UnencodableValue);
      expect(() => encodeValue(at)).toThrow(why);
    }
  });
});

describe('A plain value of another realm', () => {
  it('is as good as one of this', () => {
    const value: unknown = runInNewContext('({ at: new Date(5), list: [1, { two: 2 }], bytes: new Uint8Array([3]) })');
    const here = { at: new Date(5), list: [1, { two: 2 }], bytes: new Uint8Array([3]) };
    expect(decodeValue(encodeValue(value))).toStrictEqual(here);
  });

  it('is refused where it is an instance of a class', () => {
    expect(() => encodeValue(runInNewContext('new (class Money {})()'))).toThrow('instance of Money');
  });
});

describe('Payloads are equal', () => {
  it.each([
    ['in any order of members', { a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }],
    ['in any order, with a member named $', { $: 1, a: 2 }, { a: 2, $: 1 }],
    ['with or without a prototype', { a: 1 }, Object.assign(Object.create(null), { a: 1 })],
  ])('%s', (_title, one, other) => expect(text(one)).toBe(text(other)));
});

describe('Payloads differ', () => {
  it.each([
    ['in a value', { a: 1 }, { a: 2 }],
    ['in the order of a list', [1, 2], [2, 1]],
    ['in kind: number and string', { a: 1 }, { a: '1' }],
    ['in kind: date and string', { a: new Date(0) }, { a: new Date(0).toISOString() }],
    ['in kind: undefined and its tag', undefined, { $: 'undefined' }],
    ['in kind: bigint and number', 1n, 1],
    ['in a member', {}, { a: undefined }],
    ['in the sign of zero', 0, -0],
  ])('%s', (_title, one, other) => expect(text(one)).not.toBe(text(other)));
});

describe('Bytes that this version does not understand', () => {
  it.each([
    ['a kind of a later version', '{"$":"decimal","digits":"1.5"}', 'kind "decimal" is not known'],
    ['an object without its entries', '{"$":"object"}', 'a list is missing'],
    ['no JSON', '{', 'JSON'],
  ])('are refused, not guessed at: %s', (_title, bytes, why) => {
    expect(() => decodeValue(Buffer.from(bytes))).toThrow(why);
  });
});

it('The bytes can be read by people', () => {
  const value = { at: new Date(0), none: undefined, big: 12n, nan: Number.NaN, bytes: Buffer.from('hi'), $: 1 };
  expect(JSON.parse(encodeValue(value).toString())).toEqual({
    $: 'object',
    entries: [
      ['at', { $: 'date', at: '1970-01-01T00:00:00.000Z' }],
      ['none', { $: 'undefined' }],
      ['big', { $: 'bigint', digits: '12' }],
      ['nan', { $: 'number', is: 'NaN' }],
      ['bytes', { $: 'buffer', base64: 'aGk=' }],
      ['$', 1],
    ],
  });
});
