// The longest lease of one request, for processes that are ended from outside at a known time.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle, type RequestLimits } from '@onceguard/core/http';
import { expect, test, vi } from 'vitest';
import { handleOnce } from './observed-exchange.js';

async function leaseOf(limits: RequestLimits | undefined): Promise<number | undefined> {
  const store = new MemoryStore();
  const acquire = vi.spyOn(store, 'acquire');
  const lifecycle = createLifecycle<object>({ store, scope: 'public', leaseMs: 5_000 });
  await lifecycle.handle({}, handleOnce({}), limits);
  return acquire.mock.calls[0]?.[1].leaseMs;
}

test.each([
  ['without a limit', undefined, 5_000],
  ['without a limit among the limits', {}, 5_000],
  ['with a limit above it', { maxLeaseMs: 60_000 }, 5_000],
  ['with a limit below it', { maxLeaseMs: 1_234.5 }, 1_234],
  ['with no time left', { maxLeaseMs: -3 }, 10],
] as const)('A lease of five seconds %s is taken for %o: %i ms', async (_title, limits, leaseMs) => {
  expect(await leaseOf(limits)).toBe(leaseMs);
});

test('A lease that is shorter than its renewals would need is kept while the handler runs', async () => {
  const store = new MemoryStore();
  const lifecycle = createLifecycle<object>({ store, scope: 'public', leaseMs: 5_000 });
  let finish = () => {};
  const running = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const first = handleOnce({}, async () => await running);
  const renewedTwice = new Promise<void>((resolve) => {
    const renew = store.renew.bind(store);
    let times = 0;
    vi.spyOn(store, 'renew').mockImplementation(async (...args) => {
      const reply = await renew(...args);
      times += 1;
      if (times === 2) resolve();
      return reply;
    });
  });
  const handled = lifecycle.handle({}, first, { maxLeaseMs: 200 });
  await renewedTwice;
  const second = handleOnce({});
  await lifecycle.handle({}, second);
  finish();
  await handled;
  expect([first.did, second.did]).toEqual([['ran', 'delivered'], ['refused 409']]);
});
