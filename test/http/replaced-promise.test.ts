// An application that has put another class in the place of Promise, as zone.js and bluebird do.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle } from '@onceguard/core/http';
import { afterEach, expect, test } from 'vitest';
import { handleOnce } from './observed-exchange.js';

const { Promise: own } = globalThis;
afterEach(() => {
  globalThis.Promise = own;
});

test('Options that return promises are awaited', async () => {
  const lifecycle = createLifecycle<object>({
    store: new MemoryStore(),
    scope: async () => 'alice',
    key: async () => 'order-17',
    label: async () => 'order 17',
    fingerprint: async () => 'all of it',
  });
  const [first, repeat] = [handleOnce({}), handleOnce({})];
  globalThis.Promise = class Replacement<T> extends own<T> {};
  await lifecycle.handle({}, first);
  await lifecycle.handle({}, repeat);
  globalThis.Promise = own;
  expect([first.did, repeat.did]).toEqual([['ran', 'delivered'], ['replayed 200']]);
});
