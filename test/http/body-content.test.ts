// What is compared of a body: its content, in a form that is the same in every repeat.
import { describe, expect, it } from 'vitest';
import { describeGiven, type GivenBody } from './given-body.js';

const bytes = Buffer.from('a=1&b=2');

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
