// Keeping the bytes of a body beside what a parser makes of them.
import { describe, expect, it } from 'vitest';
import { keepRawBody, rawBodyOf } from '../../packages/core/src/http/raw-body.js';

describe('keepRawBody', () => {
  it('keeps the very bytes, by reference', () => {
    const request = {};
    const bytes = Buffer.from('{"a":1}');
    keepRawBody(request, undefined, bytes);
    expect(rawBodyOf(request)).toBe(bytes);
  });

  it('shows nothing to whoever prints, copies or serialises the request', () => {
    const request = { url: '/' };
    keepRawBody(request, undefined, Buffer.from('secret'));
    expect(JSON.stringify(request)).toBe('{"url":"/"}');
    expect(rawBodyOf({ ...request })).toBeUndefined();
  });

  it('keeps the last bytes when called again', () => {
    const request = {};
    keepRawBody(request, undefined, Buffer.from('1'));
    keepRawBody(request, undefined, Buffer.from('2'));
    expect(rawBodyOf(request)).toEqual(Buffer.from('2'));
  });

  it('is shared by every copy of the package in the process', () => {
    const request = { [Symbol.for('onceguard.rawBody')]: Buffer.from('x') };
    expect(rawBodyOf(request)).toEqual(Buffer.from('x'));
  });
});

it('a request whose bytes nobody kept has none', () => {
  expect(rawBodyOf({})).toBeUndefined();
  expect(rawBodyOf({ rawBody: Buffer.from('x') })).toBeUndefined();
});
