// Which bodies can be compared, and as what: the decision table, by media type and by what parsers left.
import { describe, expect, it } from 'vitest';
import {
  type ComparableBody,
  type RequestBody,
  toComparableBody,
} from '../../packages/core/src/http/comparable-body.js';

type GivenBody = Partial<Omit<RequestBody, 'headers'>> & { readonly headers?: RequestBody['headers'] };
type Kind = ComparableBody['kind'] | 'refused';

const unread = /^The request has a body that was not read\./;
const multipart = /^A multipart body/;
const incomparable = /^The request has a body, but no parser turned it into something that can be compared\./;

function describeGiven(mediaType: string, { headers, ...given }: GivenBody): ReturnType<typeof toComparableBody> {
  const type = mediaType === '' ? {} : { 'content-type': mediaType };
  return toComparableBody({
    headers: { 'content-length': '14', ...type, ...headers },
    hasBody: true,
    readableEnded: true,
    parsedBody: undefined,
    ...given,
  });
}

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

describe('the content', () => {
  const content = (mediaType: string, given: GivenBody): unknown => {
    const described = describeGiven(mediaType, given);
    return described.ok ? described.content : described.reason;
  };
  const fromForm = (source: string | Uint8Array): unknown =>
    content('application/x-www-form-urlencoded', { rawBody: source });

  it('has the media type in lower case and without parameters', () => {
    expect(describeGiven(' Text/PLAIN ; charset=latin1', { parsedBody: 'x' })).toMatchObject({
      mediaType: 'text/plain',
    });
    expect(describeGiven('', { parsedBody: 'x' })).toMatchObject({ mediaType: '' });
  });

  it('of JSON bytes that are not UTF-8 is the bytes, so that no two of them look alike', () => {
    const source = Buffer.from([0x22, 0xff, 0x22]);
    expect(content('application/json', { rawBody: source })).toBe(source);
  });

  it('of JSON does not count a byte order mark', () => {
    expect(content('application/json', { rawBody: Buffer.from('\ufeff{ }') })).toEqual(Buffer.from('{}'));
  });

  it.each([
    '{"amount":20}',
    '{"b":[1.5,-7,1e+21,5e-7,true,null,""],"a":{"\u{1f600}":"\\ud800","\\u0041":{}}}',
    '[]',
    '[[[]],{"z":1,"a":2}]',
  ])('of the JSON %s is the same, whether its source was kept or not', (source) => {
    const parsed = { parsedBody: JSON.parse(source) };
    for (const type of ['application/json', 'text/plain', '']) {
      const kept = describeGiven(type, { ...parsed, rawBody: Buffer.from(source) });
      expect(kept).toMatchObject({ ok: true, kind: 'json' });
      expect(describeGiven(type, parsed)).toEqual(kept);
      expect(describeGiven(type, { ...parsed, rawBody: source })).toEqual(kept);
    }
  });

  it.each(['1.0', '1E2', '12345678901234567890', '0.1000', '1e400'])(
    'of a number that JavaScript writes otherwise (%s) is its source where that was kept',
    (source) => {
      const parsed = { parsedBody: [JSON.parse(source)] };
      expect(content('application/json', { ...parsed, rawBody: `[${source}]` })).toEqual(Buffer.from(`[${source}]`));
      expect(content('application/json', parsed)).not.toEqual(Buffer.from(`[${source}]`));
    },
  );

  it.each(['text/plain', 'application/octet-stream', ''])(
    'of type %j that a parser left as an empty object without saying how long it was cannot be known',
    (type) => {
      const given = { parsedBody: {}, headers: { 'content-length': undefined } };
      expect(describeGiven(type, given)).toMatchObject({ ok: false });
      expect(describeGiven('application/json', given)).toMatchObject({ ok: true });
    },
  );

  describe('in a charset', () => {
    const source = Buffer.from([0x22, 0xe9, 0x22]);
    const described = (type: string, rawBody: Uint8Array) => {
      const found = describeGiven(type, { rawBody });
      return found.ok ? [found.mediaType, found.kind, found.content] : found.reason;
    };

    it.each([
      ['text/plain; charset=latin1', 'text/plain; charset=latin1'],
      ['text/plain; Charset="UTF-16LE"; a=b', 'text/plain; charset=utf-16le'],
      ['application/json; charset=nobody-knows', 'application/json; charset=nobody-knows'],
      ['application/x-www-form-urlencoded; charset=koi8-r', 'application/x-www-form-urlencoded; charset=koi8-r'],
    ])('%s counts as part of the media type', (type, mediaType) => {
      expect(described(type, source)).toEqual([mediaType, expect.any(String), expect.anything()]);
    });

    it.each(['text/plain', 'text/plain; charset=utf-8', 'text/plain;charset=UTF8', 'text/plain; charset=us-ascii'])(
      '%s does not: it is the default, which clients and proxies add',
      (type) => {
        expect(described(type, source)).toEqual(['text/plain', 'bytes', source]);
      },
    );

    it('JSON is decoded: it is the same text in every charset', () => {
      const wanted = ['application/json', 'json', Buffer.from('"\u00e9"')];
      expect(described('application/json', Buffer.from('"\u00e9"'))).toEqual(wanted);
      expect(described('application/json; charset=iso-8859-1', source)).toEqual(wanted);
      expect(described('application/json; charset=utf-16le', Buffer.from('"\u00e9"', 'utf16le'))).toEqual(wanted);
    });

    it('JSON that is not in the charset that it names is compared as bytes', () => {
      const type = 'application/json; charset=utf-16le';
      expect(described(type, source)).toEqual([type, 'bytes', source]);
    });
  });

  it('of bytes are those bytes, not a copy', () => {
    expect(content('image/png', { parsedBody: bytes })).toBe(bytes);
  });

  it.each([
    [
      'a=1&b=2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    ['a=x+y%20z', [['a', 'x y z']]],
    [
      'a=b=c&%3D=%26',
      [
        ['a', 'b=c'],
        ['=', '&'],
      ],
    ],
    ['a&b=', [['a'], ['b', '']]],
    ['a=%C3%A9', [['a', '\u00c3\u00a9']]],
    ['a=\u00e9', [['a', '\u00c3\u00a9']]],
    ['a=%zz%', [['a', '%zz%']]],
  ])('of the form %s is its pairs, as bytes', (source, pairs) => {
    expect(fromForm(source)).toBe(JSON.stringify(pairs));
    expect(fromForm(Buffer.from(source))).toBe(JSON.stringify(pairs));
  });

  it.each([
    ['a=1&b=2', 'b=2&a=1'],
    ['i[][id]=1&i[][n]=5&i[][id]=2', 'i[][id]=1&i[][id]=2&i[][n]=5'],
    ['a=%FE', 'a=%FF'],
    ['a', 'a='],
    ['a=1&a=2', 'a=2'],
    ['a=1%26b=2', 'a=1&b=2'],
    ['a=%2B', 'a=+'],
  ])('tells the form %s from %s', (one, other) => {
    expect(fromForm(one)).not.toBe(fromForm(other));
  });
});
