// appliesTo is false, without calling any option function, for.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle, type HttpOptions } from '@onceguard/core/http';
import { expect, it } from 'vitest';

const key = ['"k"'];
const asked = (): boolean => true;

it.each<[boolean, string, Partial<HttpOptions<object>>, string | undefined, readonly string[]]>([
  [true, 'a POST with a key', {}, 'POST', key],
  [true, 'a POST with a header that is no key', {}, 'POST', ['', '']],
  [false, 'a POST without a key', {}, 'POST', []],
  [true, 'a POST without a key where one is required', { required: true }, 'POST', []],
  [true, 'a POST without a key where skip is to be asked', { skip: asked }, 'POST', []],
  [false, 'a GET with a key', { required: true, skip: asked }, 'GET', key],
  [true, 'a GET with a key where it is listed', { methods: ['GET'] }, 'GET', key],
  [false, 'a request of no method', {}, undefined, key],
])('It is %s that it concerns %s', (expected, _, options, method, lines) => {
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope: 'public', ...options });
  expect(lifecycle.appliesTo(method, lines)).toBe(expected);
});
