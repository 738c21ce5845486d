// The fingerprint: equal for every send of one request, another one where anything of it differs.
import { describe, expect, it } from 'vitest';
import { canonicalValue } from '../../packages/core/src/http/canonical-value.js';
import { type RequestBody, toComparableBody } from '../../packages/core/src/http/comparable-body.js';
import { fingerprintCustomValue, fingerprintRequest } from '../../packages/core/src/http/fingerprint.js';

interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly type?: string;
  readonly parsedBody?: unknown;
  readonly rawBody?: Uint8Array | string;
}

function fingerprintOf({
  method = 'POST',
  path = '/payments',
  query = '',
  type = 'application/json',
  parsedBody,
  rawBody,
}: Sent): string {
  const headers: RequestBody['headers'] = { 'content-type': type };
  const described = toComparableBody({ headers, hasBody: true, readableEnded: true, parsedBody, rawBody });
  if (!described.ok) throw new Error(described.reason);
  return fingerprintRequest({ method, path, query, body: described });
}

const payment = { parsedBody: { amount: 10, to: { name: 'x', iban: 'y' } } };

describe('a request has the same fingerprint', () => {
  it('in every release of this version, as any other implementation would compute it', () => {
    const sent = { query: 'currency=eur', rawBody: '{ "to": "x", "amount": 10 }' };
    expect(fingerprintOf(sent)).toBe('v1:0K2nSVdtRCb2o5T2DLJNiDqZZmvJ-MmR7N2fgXL1sSc');
  });

  it.each([
    ['members in another order', payment, { parsedBody: { to: { iban: 'y', name: 'x' }, amount: 10 } }],
    ['a member that is undefined', payment, { parsedBody: { ...payment.parsedBody, note: undefined } }],
    ['no prototype', payment, { parsedBody: Object.assign(Object.create(null), payment.parsedBody) }],
    ['a charset', payment, { ...payment, type: 'application/json; charset=utf-8' }],
    ['a media type in other case', payment, { ...payment, type: 'Application/JSON' }],
    ['other whitespace in its source', { rawBody: '{"a":1}' }, { rawBody: '\n{ "a" : 1 }' }],
    ['members in another order in its source', { rawBody: '{"a":1,"b":2}' }, { rawBody: '{"b":2,"a":1}' }],
    ['its source as bytes or text', { rawBody: '{"a":1}' }, { rawBody: Buffer.from('{"a":1}') }],
    ['its source kept or as body', { rawBody: Buffer.from('{"a":1}') }, { parsedBody: Buffer.from('{"a":1}') }],
    [
      'its source kept or not',
      { parsedBody: { amount: 20 } },
      { parsedBody: { amount: 20 }, rawBody: '{"amount":20}' },
    ],
    [
      'another object behind the source',
      { rawBody: '{"a":1}', parsedBody: {} },
      { rawBody: '{"a":1}', parsedBody: { a: 1 } },
    ],
  ])('with %s', (_, one: Sent, other: Sent) => {
    expect(fingerprintOf(one)).toBe(fingerprintOf(other));
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
    ['another value', payment, { parsedBody: { ...payment.parsedBody, amount: 11 } }],
    ['another value deep inside', payment, { parsedBody: { amount: 10, to: { name: 'x', iban: 'z' } } }],
    ['one member more', payment, { parsedBody: { ...payment.parsedBody, note: null } }],
    ['a string for a number', { parsedBody: { a: 1 } }, { parsedBody: { a: '1' } }],
    ['an array for an object', { parsedBody: { 0: 'a' } }, { parsedBody: ['a'] }],
    ['null for an empty string', { parsedBody: { a: null } }, { parsedBody: { a: '' } }],
    ['minus zero for zero', { parsedBody: [0] }, { parsedBody: [-0] }],
    ['an array in another order', { parsedBody: [1, 2] }, { parsedBody: [2, 1] }],
    ['a number that only its source tells apart', raw('9007199254740992'), raw('9007199254740993')],
    ['a number spelled otherwise in its source', raw('[1.0]'), raw('[1]')],
    [
      'another byte',
      { type: 'image/png', parsedBody: Buffer.from([1]) },
      { type: 'image/png', parsedBody: Buffer.from([2]) },
    ],
    ['another text', { type: 'text/plain', parsedBody: 'a' }, { type: 'text/plain', parsedBody: 'b' }],
    ['another pair', { type: form, parsedBody: { a: '1' } }, { type: form, parsedBody: { a: '2' } }],
    ['another pair in its source', { type: form, rawBody: 'a=1' }, { type: form, rawBody: 'a=2' }],
  ])('with %s', (_, one: Sent, other: Sent) => {
    expect(fingerprintOf(one)).not.toBe(fingerprintOf(other));
  });

  it('for each kind of content that is spelled alike', () => {
    const alike = [
      { parsedBody: {} },
      { parsedBody: '{}' },
      { type: form, parsedBody: {} },
      { type: form, parsedBody: '{}' },
      { type: form, rawBody: '{}' },
      { type: 'text/plain', rawBody: '{}' },
      { type: 'text/plain', parsedBody: Buffer.from('{}', 'utf16le') },
    ].map(fingerprintOf);
    expect(new Set(alike).size).toBe(alike.length);
  });

  it('without a body than with an empty one', () => {
    const none = toComparableBody({
      headers: { 'content-type': 'text/plain' },
      hasBody: false,
      readableEnded: false,
      parsedBody: undefined,
    });
    if (!none.ok) throw new Error(none.reason);
    const print0 = fingerprintRequest({ method: 'POST', path: '/payments', query: '', body: none });
    expect(print0).not.toBe(fingerprintOf({ type: 'text/plain', parsedBody: '' }));
  });
});

const form = 'application/x-www-form-urlencoded';

describe('what the application chose to compare', () => {
  it('is equal for equal text or bytes, and kept apart from every other fingerprint', () => {
    const own = (value: unknown) => fingerprintCustomValue('c1', value);
    expect(own('10 eur')).toBe(own('10 eur'));
    expect(own('10 eur')).toMatch(/^c1:[A-Za-z0-9_-]{43}$/);
    const given = ['10 eur', '11 eur', '', Buffer.from('10 eur', 'utf16le'), Buffer.alloc(0)];
    expect(new Set(given.map(own)).size).toBe(given.length);
  });

  it.each([undefined, null, 10, {}, ['10 eur']])('is a mistake if it is %j', (value) => {
    expect(() => fingerprintCustomValue('c1', value)).toThrow(expect.objectContaining({ code: 'option_invalid' }));
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
