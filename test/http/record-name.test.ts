// The names of records, and the part of a URL that goes into them.
import { describe, expect, it } from 'vitest';
import { digest } from '../../packages/core/src/digest.js';
import { requestRecordName } from '../../packages/core/src/engine/record-name.js';
import { splitTarget } from '../../packages/core/src/http/request-target.js';

const deriveRecordName = ({ scope, method, path, key }: Record<'scope' | 'method' | 'path' | 'key', string>) =>
  requestRecordName(scope, method, path, key);
const operation = { scope: 'user-1', method: 'POST', path: '/payments', key: 'abc' };

describe('the look-up name', () => {
  it('is a digest: 43 characters that a store takes, and nothing of the key', () => {
    expect(deriveRecordName(operation)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(deriveRecordName({ ...operation, key: 'x'.repeat(255) })).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  it('is the same for the same operation, in every release of this layout', () => {
    expect(deriveRecordName({ ...operation })).toBe(deriveRecordName(operation));
    expect(deriveRecordName(operation)).toBe('BkQAbjDp6sE2Nk3MB76x0JYbQbzku3n5UiwmaST4AGI');
  });

  it.each([
    ['scope', { scope: 'user-2' }],
    ['method', { method: 'PATCH' }],
    ['path', { path: '/refunds' }],
    ['case of the path', { path: '/Payments' }],
    ['closing slash', { path: '/payments/' }],
    ['key', { key: 'abd' }],
    ['case of the key', { key: 'ABC' }],
  ])('is another one for another %s', (_, other) => {
    expect(deriveRecordName({ ...operation, ...other })).not.toBe(deriveRecordName(operation));
  });

  it('does not let one part run into the next', () => {
    const names = [
      { scope: 'ab', method: 'c' },
      { scope: 'a', method: 'bc' },
      { scope: 'abc', method: '' },
      { scope: '', method: 'abc' },
      { scope: 'a1:b', method: 'c' },
      { scope: 'a', method: '1:bc' },
    ].map((parts) => deriveRecordName({ ...operation, ...parts }));
    expect(new Set(names).size).toBe(names.length);
  });

  it('keeps scopes apart that UTF-8 would spell alike', () => {
    const [one, other] = ['\ud800', '\ud801'].map((scope) => deriveRecordName({ ...operation, scope }));
    expect(one).not.toBe(other);
  });
});

describe('a digest of a list', () => {
  it('takes bytes as they are, and views as what they show', () => {
    const view = new Uint8Array([9, 1, 2, 9]).subarray(1, 3);
    expect(digest([view])).toBe(digest([Buffer.from([1, 2])]));
    expect(digest([view])).not.toBe(digest([Buffer.from([9, 1, 2, 9])]));
  });

  it('keeps text with a lone surrogate apart from all other text', () => {
    const lone = ['\ud800', '\udfff', 'x\ud83dx', '\ude00\ud83d'];
    const whole = ['\ufffd', '\ud83d\ude00', 'x\ufffdx', '1\u0000:\u0000', ''];
    expect(new Set([...lone, ...whole].map((text) => digest([text]))).size).toBe(lone.length + whole.length);
  });

  it('differs with the number of parts', () => {
    expect(new Set([[], [''], ['', '']].map(digest)).size).toBe(3);
  });
});

describe('the original URL is split into path and query, and not changed otherwise', () => {
  it.each([
    ['/pay', '/pay', ''],
    ['/pay?a=1', '/pay', 'a=1'],
    ['/pay?', '/pay', ''],
    ['/pay?a=1?b=2', '/pay', 'a=1?b=2'],
    ['/', '/', ''],
    ['/a%2Fb//c/../D?x=%20+', '/a%2Fb//c/../D', 'x=%20+'],
    ['//other.example/pay', '//other.example/pay', ''],
    ['http://shop.example/pay?a=1', '/pay', 'a=1'],
    ['HTTPS://shop.example:8443/pay', '/pay', ''],
    ['http://user@shop.example?a=/b', '/', 'a=/b'],
    ['http://shop.example', '/', ''],
    ['/go?to=http://shop.example/x', '/go', 'to=http://shop.example/x'],
    ['*', '*', ''],
  ])('%s', (url, path, query) => {
    expect(splitTarget(url)).toEqual({ path, query });
  });
});
