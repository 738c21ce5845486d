// A request object that is handled twice: one after the other, as unit tests do, or one inside of the other.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle } from '@onceguard/core/http';
import { expect, test } from 'vitest';
import { handleOnce } from './observed-exchange.js';

test('is protected both times where the first time has ended', async () => {
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope: 'public' });
  const request = {};
  const [first, second] = [handleOnce(request), handleOnce(request)];
  await lifecycle.handle(request, first);
  await lifecycle.handle(request, second);
  expect([first.did, second.did]).toEqual([['ran', 'delivered'], ['replayed 200']]);
});

test('is protected the second time where the first one ended in a refusal, or in an error', async () => {
  const request = {};
  let asked = 0;
  const scope = () => (++asked === 1 ? '' : 'alice');
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope });
  await expect(lifecycle.handle(request, handleOnce(request))).rejects.toThrow('scope');
  const second = handleOnce(request);
  await lifecycle.handle(request, second);
  expect(second.did).toEqual(['ran', 'delivered']);
});

test('is passed on by the inner of two, while the outer one handles it', async () => {
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope: 'public' });
  const request = {};
  const inner = handleOnce(request);
  const outer = handleOnce(request, async () => await lifecycle.handle(request, inner));
  await lifecycle.handle(request, outer);
  expect([outer.did, inner.did]).toEqual([['ran', 'delivered'], ['passed']]);
});
