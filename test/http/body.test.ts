// Which bodies can be compared, and as what: the decision table, by media type and by what parsers left.
import { describe, expect, it } from 'vitest';
import {
  type ComparableBody,
  type RequestBody,
  toComparableBody,
} from '../../packages/core/src/http/comparable-body.js';
import { describeGiven, type GivenBody } from './given-body.js';

type Kind = ComparableBody['kind'] | 'refused';

const unread = /^The request has a body that was not read\./;
const multipart = /^A multipart body/;
const incomparable = /^The request has a body, but no parser turned it into something that can be compared\./;

class Payment {
  readonly amount = 1;
}

const bytes = Buffer.from('a=1&b=2');
const bodies: Record<string, GivenBody> = {
  'nothing (undefined)': { parsedBody: undefined },
  null: { parsedBody: null },
  'an empty object': { parsedBody: {} },
  'an object': { parsedBody: { amount: 1 } },
  'an object without prototype': { parsedBody: Object.assign(Object.create(null), { amount: 1 }) },
  'an array': { parsedBody: [1, 2] },
  'a number': { parsedBody: 5 },
  'a string': { parsedBody: 'a=1&b=2' },
  bytes: { parsedBody: bytes },
  URLSearchParams: { parsedBody: new URLSearchParams('a=1') },
  'a Map': { parsedBody: new Map([['a', 1]]) },
  'a class instance': { parsedBody: new Payment() },
  'an object with a Date in it': { parsedBody: { at: new Date(0) } },
  'the source as bytes': { parsedBody: { a: 1 }, rawBody: bytes },
  'the source as text': { parsedBody: { a: 1 }, rawBody: 'a=1&b=2' },
  'the source as JSON bytes': { parsedBody: {}, rawBody: Buffer.from('{"a": 1}') },
  'the source as JSON text': { parsedBody: undefined, rawBody: '{"a": 1}' },
  'an empty source': { parsedBody: {}, rawBody: Buffer.alloc(0) },
};

const json: Record<string, Kind> = {
  'nothing (undefined)': 'refused',
  null: 'json',
  'an empty object': 'json',
  'an object': 'json',
  'an object without prototype': 'json',
  'an array': 'json',
  'a number': 'json',
  'a string': 'text',
  bytes: 'bytes',
  URLSearchParams: 'refused',
  'a Map': 'refused',
  'a class instance': 'refused',
  'an object with a Date in it': 'refused',
  'the source as bytes': 'bytes',
  'the source as text': 'text',
  'the source as JSON bytes': 'json',
  'the source as JSON text': 'json',
  'an empty source': 'bytes',
};

const form: Record<string, Kind> = {
  ...json,
  null: 'refused',
  'an empty object': 'form-value',
  'an object': 'form-value',
  'an object without prototype': 'form-value',
  'an array': 'refused',
  'a number': 'refused',
  bytes: 'form',
  URLSearchParams: 'form-pairs',
  'the source as bytes': 'form',
  'the source as text': 'form',
  'the source as JSON bytes': 'form',
  'the source as JSON text': 'form',
  'an empty source': 'form',
};

const otherTypes: Record<string, Kind> = {
  ...Object.fromEntries(Object.keys(bodies).map((name) => [name, 'refused'])),
  'an empty object': 'json',
  'an object': 'json',
  'an object without prototype': 'json',
  'an array': 'json',
  'a string': 'text',
  bytes: 'bytes',
  'the source as bytes': 'bytes',
  'the source as text': 'text',
  'the source as JSON bytes': 'json',
  'the source as JSON text': 'text',
  'an empty source': 'bytes',
};

const noParserTypes: Record<string, Kind> = Object.fromEntries(Object.keys(bodies).map((name) => [name, 'refused']));

const mediaTypes: [string, Record<string, Kind>][] = [
  ['application/json', json],
  ['application/json; charset=utf-8', json],
  ['Application/JSON', json],
  ['application/vnd.api+json', json],
  ['application/x-www-form-urlencoded', form],
  ['text/plain', otherTypes],
  ['application/xml', otherTypes],
  ['application/octet-stream', otherTypes],
  ['application/json5', otherTypes],
  ['', otherTypes],
  ['multipart/form-data; boundary=x', noParserTypes],
];

describe.each(mediaTypes)('a body of type %j that was read', (mediaType, table) => {
  it.each(Object.entries(table))('as %s is: %s', (name, kind) => {
    const described = describeGiven(mediaType, bodies[name] ?? {});
    expect(described.ok ? described.kind : 'refused').toBe(kind);
    if (described.ok) return;
    expect(described.reason).toMatch(mediaType.startsWith('multipart') ? multipart : incomparable);
  });
});

describe.each(mediaTypes)('a body of type %j that was not read to its end', (mediaType) => {
  it.each(Object.keys(bodies))('is refused, whatever stands there: %s', (name) => {
    const described = describeGiven(mediaType, { ...bodies[name], readableEnded: false });
    const reason = mediaType.startsWith('multipart') ? multipart : unread;
    expect(described).toEqual({ ok: false, reason: expect.stringMatching(reason) });
  });
});

describe('a request that has no body', () => {
  it.each(mediaTypes)('of type %j has nothing to compare, whatever stands there', (mediaType) => {
    for (const given of Object.values(bodies)) {
      const described = describeGiven(mediaType, { ...given, hasBody: false, readableEnded: false });
      expect(described).toMatchObject({ ok: true, kind: 'none', content: '' });
    }
  });
});

describe('an empty object that a parser left where it did not match', () => {
  const left = (headers: RequestBody['headers'], mediaType = 'application/json'): boolean =>
    toComparableBody({
      headers: { 'content-type': mediaType, ...headers },
      hasBody: true,
      readableEnded: true,
      parsedBody: {},
    }).ok;

  it.each(['application/json', 'application/vnd.api+json', 'application/x-www-form-urlencoded'])(
    'is not believed of %s with a length that `{}` cannot have',
    (mediaType) => {
      expect(left({ 'content-length': '17' }, mediaType)).toBe(false);
    },
  );

  it.each([
    ['its own length', { 'content-length': '2' }],
    ['some whitespace', { 'content-length': '16' }],
    ['a length that chunked bodies do not tell', {}],
    ['a length that content coding hides', { 'content-length': '22', 'content-encoding': 'gzip' }],
  ])('is believed with %s', (_, headers) => {
    expect(left(headers)).toBe(true);
  });
});
