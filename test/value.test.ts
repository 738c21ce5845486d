// Values as bytes: what comes back as it was, what is refused, and which payloads are equal.
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import {
  decodeValue,
  encodeValue,
  UndecodableValueError,
  UnencodableValueError,
} from '../packages/core/src/value-codec.js';

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
      expect(() => encodeValue(at)).toThrow(UnencodableValueError);
      expect(() => encodeValue(at)).toThrow(why);
    }
  });
});

describe('A plain value of another realm', () => {
  it('is encoded as one of this realm', () => {
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
  const frame = (json: string, ...raw: number[]) =>
    Buffer.concat([Buffer.of(1, 0, 0, 0, Buffer.byteLength(json)), Buffer.from(json), Buffer.from(raw)]);
  const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

  it.each<[title: string, bytes: string | Buffer, why: string]>([
    ['a kind of a later version', '{"$":"decimal","digits":"1.5"}', 'kind "decimal" is not known'],
    ['a kind that is no text', '{"$":5}', 'kind 5 is not known'],
    ['nothing', '', 'no JSON'],
    ['no JSON', '{', 'no JSON'],
    ['no UTF-8', Buffer.of(0x22, 0xff, 0x22), 'no UTF-8'],
    ['a number out of range', '1e999', 'number out of range'],
    ['a zero with a sign', '-0', 'number out of range'],
    ['what is nested too deep', nested, 'nested too deep'],
    ['a date that is none', '{"$":"date","at":"tomorrow"}', 'invalid date'],
    ['a date in another form', '{"$":"date","at":"2026-01-31"}', 'invalid date'],
    ['a date that does not exist', '{"$":"date","at":"2026-02-31T00:00:00.000Z"}', 'invalid date'],
    ['a date as a number', '{"$":"date","at":0}', 'invalid date'],
    ['a date without a time', '{"$":"date"}', 'has not the members'],
    ['a bigint without digits', '{"$":"bigint","digits":""}', 'invalid bigint'],
    ['a bigint with a fraction', '{"$":"bigint","digits":"1.5"}', 'invalid bigint'],
    ['a bigint in another form', '{"$":"bigint","digits":"0x10"}', 'invalid bigint'],
    ['a bigint as a number', '{"$":"bigint","digits":12}', 'invalid bigint'],
    ['a number that is none', '{"$":"number","is":"twelve"}', 'invalid number'],
    ['a number that JSON can say', '{"$":"number","is":"12"}', 'invalid number'],
    ['undefined with a member', '{"$":"undefined","is":1}', 'has not the members'],
    ['an object without its entries', '{"$":"object"}', 'has not the members'],
    ['an object whose entries are no list', '{"$":"object","entries":{}}', 'a list is missing'],
    ['an entry that is no pair', '{"$":"object","entries":[["a"]]}', 'no pair'],
    ['an entry of three', '{"$":"object","entries":[["a",1,2]]}', 'no pair'],
    ['an entry without a name', '{"$":"object","entries":[[1,1]]}', 'no pair'],
    ['an entry that is no list', '{"$":"object","entries":["ab"]}', 'a list is missing'],
    ['two members of one name', '{"$":"object","entries":[["a",1],["a",2]]}', 'two members of one name'],
    ['bytes as text', '{"$":"buffer","base64":"aGk="}', 'has not the members'],
    ['a length of bytes that do not follow', '{"$":"buffer","length":1}', 'fewer bytes'],
    ['a length that is more than follows', frame('{"$":"bytes","length":3}', 1, 2), 'fewer bytes'],
    ['a length that is none', frame('{"$":"bytes","length":-1}', 1, 2), 'fewer bytes'],
    ['a length with a fraction', frame('{"$":"bytes","length":0.5}', 1), 'fewer bytes'],
    ['a length as text', frame('{"$":"bytes","length":"2"}', 1, 2), 'fewer bytes'],
    ['more bytes than it says', frame('{"$":"bytes","length":1}', 1, 2), 'belong to nothing'],
    ['a head that is cut off', Buffer.of(1, 0, 0), 'head is cut off'],
    ['JSON that is cut off', Buffer.of(1, 0, 0, 0, 9, 0x7b), 'is cut off'],
  ])('are refused, not guessed at: %s', (_title, bytes, why) => {
    expect(() => decodeValue(Buffer.from(bytes))).toThrow(UndecodableValueError);
    expect(() => decodeValue(Buffer.from(bytes))).toThrow(why);
  });

  it('are refused with a typed error, or are a value, whichever of them is changed', () => {
    const value = {
      at: new Date(0),
      big: -12n,
      list: [-0, undefined, Buffer.from('abc'), new Uint8Array(3)],
      $: 'text',
    };
    const bytes = encodeValue(value);
    for (let at = 0; at < bytes.byteLength; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        try {
          decodeValue(changed);
        } catch (error) {
          expect(error).toBeInstanceOf(UndecodableValueError);
        }
      }
      expect(() => decodeValue(bytes.subarray(0, at))).toThrow(UndecodableValueError);
    }
  });

  it('are not shown in the message', () => {
    expect(() => decodeValue(Buffer.from('{"card":"4242'))).toThrow(/^it is no JSON$/);
  });
});

describe('Buffers and Uint8Arrays', () => {
  it('take their own length, and a few bytes', () => {
    const photo = Buffer.alloc(1_000_000, 7);
    expect(encodeValue({ photo }).byteLength).toBeLessThan(1_000_100);
  });

  it('come back in their places, however many there are and however their members are named', () => {
    const value = {
      z: [Buffer.from('first'), new Uint8Array([1, 2])],
      10: Buffer.from('ten'),
      2: new Uint8Array(0),
      $: { $: Buffer.from('deep') },
      text: 'é',
      a: Buffer.alloc(70_000, 255),
    };
    expect(decodeValue(encodeValue(value))).toStrictEqual(value);
    expect(decodeValue(encodeValue(value, { sorted: true }))).toStrictEqual(value);
  });

  it('are copies: neither what was encoded nor what was decoded changes with the bytes', () => {
    const own = Buffer.from('abc');
    const bytes = encodeValue([own, new Uint8Array([1])]);
    own.fill(0);
    const back = decodeValue(bytes);
    bytes.fill(0);
    expect(back).toStrictEqual([Buffer.from('abc'), new Uint8Array([1])]);
  });

  it('are equal payloads in any order of members, and differ in kind, length and place', () => {
    const [x, y] = [Buffer.from('x'), Buffer.from('y')];
    const digestable = (value: unknown) => encodeValue(value, { sorted: true }).toString('hex');
    expect(digestable({ a: x, b: y })).toBe(digestable({ b: y, a: x }));
    const payloads = [
      { a: x, b: y },
      { a: y, b: x },
      { a: new Uint8Array(x), b: y },
      { a: Buffer.from('xy'), b: y },
    ];
    expect(new Set(payloads.map(digestable)).size).toBe(payloads.length);
  });
});

it('The bytes can be read by people', () => {
  const value = { at: new Date(0), none: undefined, big: 12n, nan: Number.NaN, $: 1 };
  expect(JSON.parse(encodeValue(value).toString())).toEqual({
    $: 'object',
    entries: [
      ['at', { $: 'date', at: '1970-01-01T00:00:00.000Z' }],
      ['none', { $: 'undefined' }],
      ['big', { $: 'bigint', digits: '12' }],
      ['nan', { $: 'number', is: 'NaN' }],
      ['$', 1],
    ],
  });
  const withBytes = encodeValue({ bytes: Buffer.from('hi') });
  expect(withBytes.subarray(0, 5)).toEqual(Buffer.of(1, 0, 0, 0, 35));
  expect(withBytes.subarray(5).toString()).toBe('{"bytes":{"$":"buffer","length":2}}hi');
});
