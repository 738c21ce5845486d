// The fingerprint: equal for every send of one request, another one where anything of it differs.
import { describe, expect, it } from 'vitest';
import { describeBody, type RequestBody } from '../../packages/core/src/http/body.js';
import { canonicalValue } from '../../packages/core/src/http/canonical-value.js';
import { fingerprint, fingerprintOfValue } from '../../packages/core/src/http/fingerprint.js';

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly type?: string;
  readonly body?: unknown;
  readonly rawBody?: Uint8Array | string;
}

function print({
  method = 'POST',
  path = '/payments',
  query = '',
  type = 'application/json',
  body,
  rawBody,
}: Sent): string {
  const headers: RequestBody['headers'] = { 'content-type': type };
  const described = describeBody({ headers, hasBody: true, readableEnded: true, body, rawBody });
  if (!described.ok) throw new Error(described.reason);
  return fingerprint({ method, path, query, body: described });
}

const payment = { body: { amount: 10, to: { name: 'x', iban: 'y' } } };

describe('a request has the same fingerprint', () => {
  it('in every release of this version, as any other implementation would compute it', () => {
    const sent = { query: 'currency=eur', rawBody: '{ "to": "x", "amount": 10 }' };
    expect(print(sent)).toBe('v1:0K2nSVdtRCb2o5T2DLJNiDqZZmvJ-MmR7N2fgXL1sSc');
  });

  it.each([
    ['members in another order', payment, { body: { to: { iban: 'y', name: 'x' }, amount: 10 } }],
    ['a member that is undefined', payment, { body: { ...payment.body, note: undefined } }],
    ['no prototype', payment, { body: Object.assign(Object.create(null), payment.body) }],
    ['a charset', payment, { ...payment, type: 'application/json; charset=utf-8' }],
    ['a media type in other case', payment, { ...payment, type: 'Application/JSON' }],
    ['other whitespace in its source', { rawBody: '{"a":1}' }, { rawBody: '\n{ "a" : 1 }' }],
    ['members in another order in its source', { rawBody: '{"a":1,"b":2}' }, { rawBody: '{"b":2,"a":1}' }],
    ['its source as bytes or text', { rawBody: '{"a":1}' }, { rawBody: Buffer.from('{"a":1}') }],
    ['its source kept or as body', { rawBody: Buffer.from('{"a":1}') }, { body: Buffer.from('{"a":1}') }],
    ['its source kept or not', { body: { amount: 20 } }, { body: { amount: 20 }, rawBody: '{"amount":20}' }],
    ['another object behind the source', { rawBody: '{"a":1}', body: {} }, { rawBody: '{"a":1}', body: { a: 1 } }],
  ])('with %s', (_, one: Sent, other: Sent) => {
    expect(print(one)).toBe(print(other));
  });
});

describe('a request has another fingerprint', () => {
  const raw = (rawBody: string): Sent => ({ rawBody });
  it.each([
    ['another method', payment, { ...payment, method: 'PATCH' }],
    ['another path', payment, { ...payment, path: '/refunds' }],
    ['another query', { ...payment, query: 'a=1' }, { ...payment, query: 'a=2' }],
    ['path and query cut elsewhere', { ...payment, path: '/a', query: 'b' }, { ...payment, path: '/ab', query: '' }],
    ['another media type', payment, { ...payment, type: 'application/vnd.api+json' }],
    ['another value', payment, { body: { ...payment.body, amount: 11 } }],
    ['another value deep inside', payment, { body: { amount: 10, to: { name: 'x', iban: 'z' } } }],
    ['one member more', payment, { body: { ...payment.body, note: null } }],
    ['a string for a number', { body: { a: 1 } }, { body: { a: '1' } }],
    ['an array for an object', { body: { 0: 'a' } }, { body: ['a'] }],
    ['null for an empty string', { body: { a: null } }, { body: { a: '' } }],
    ['minus zero for zero', { body: [0] }, { body: [-0] }],
    ['an array in another order', { body: [1, 2] }, { body: [2, 1] }],
    ['a number that only its source tells apart', raw('9007199254740992'), raw('9007199254740993')],
    ['a number spelled otherwise in its source', raw('[1.0]'), raw('[1]')],
    ['another byte', { type: 'image/png', body: Buffer.from([1]) }, { type: 'image/png', body: Buffer.from([2]) }],
    ['another text', { type: 'text/plain', body: 'a' }, { type: 'text/plain', body: 'b' }],
    ['another pair', { type: form, body: { a: '1' } }, { type: form, body: { a: '2' } }],
    ['another pair in its source', { type: form, rawBody: 'a=1' }, { type: form, rawBody: 'a=2' }],
  ])('with %s', (_, one: Sent, other: Sent) => {
    expect(print(one)).not.toBe(print(other));
  });

  it('for each kind of content that is spelled alike', () => {
    const alike = [
      { body: {} },
      { body: '{}' },
      { type: form, body: {} },
      { type: form, body: '{}' },
      { type: form, rawBody: '{}' },
      { type: 'text/plain', rawBody: '{}' },
      { type: 'text/plain', body: Buffer.from('{}', 'utf16le') },
    ].map(print);
    expect(new Set(alike).size).toBe(alike.length);
  });

  it('without a body than with an empty one', () => {
    const none = describeBody({
      headers: { 'content-type': 'text/plain' },
      hasBody: false,
      readableEnded: false,
      body: undefined,
    });
    if (!none.ok) throw new Error(none.reason);
    const print0 = fingerprint({ method: 'POST', path: '/payments', query: '', body: none });
    expect(print0).not.toBe(print({ type: 'text/plain', body: '' }));
  });
});

const form = 'application/x-www-form-urlencoded';

describe('what the application chose to compare', () => {
  it('is equal for equal text or bytes, and kept apart from every other fingerprint', () => {
    const own = (value: unknown) => fingerprintOfValue('c1', value);
    expect(own('10 eur')).toBe(own('10 eur'));
    expect(own('10 eur')).toMatch(/^c1:[A-Za-z0-9_-]{43}$/);
    const given = ['10 eur', '11 eur', '', Buffer.from('10 eur', 'utf16le'), Buffer.alloc(0)];
    expect(new Set(given.map(own)).size).toBe(given.length);
  });

  it.each([undefined, null, 10, {}, ['10 eur']])('is a mistake if it is %j', (value) => {
    expect(() => fingerprintOfValue('c1', value)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
  });
});

describe('a parsed value', () => {
  it.each([
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['a hole in an array', Array(1)],
    ['a function', { f: () => 1 }],
    ['a symbol', [Symbol('s')]],
    ['a bigint', [1n]],
    ['a Date', { at: new Date(0) }],
    ['a Map', [new Map()]],
    ['bytes', { file: Buffer.from('x') }],
    ['a class instance', [new (class Amount {})()]],
    ['a cycle', cyclic()],
  ])('with %s in it cannot be compared', (_, value) => {
    expect(canonicalValue(value)).toBeNull();
  });

  it('may hold one object twice', () => {
    const shared = { a: 1 };
    expect(canonicalValue([shared, { shared }])).toEqual(Buffer.from('[{"a":1},{"shared":{"a":1}}]'));
  });

  it('may have any name of a member', () => {
    expect(canonicalValue(JSON.parse('{"__proto__":1,"constructor":2,"10":3,"9":4}'))).toEqual(
      Buffer.from('{"9":4,"10":3,"__proto__":1,"constructor":2}'),
    );
  });

  it('may be nested to any depth', () => {
    const source = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(canonicalValue(JSON.parse(source))?.toString() === source).toBe(true);
  });
});

function cyclic(): object {
  const item: { list: unknown[] } = { list: [] };
  item.list.push(item);
  return item;
}
