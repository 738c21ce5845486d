// A request object that is handled twice: one after the other, as unit tests do, or one inside of the other.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle, type Exchange } from '@onceguard/core/http';
import { expect, test } from 'vitest';

test('is protected both times where the first time has ended', async () => {
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope: 'public' });
  const request = {};
  const [first, second] = [exchange(request), exchange(request)];
  await lifecycle.handle(request, first);
  await lifecycle.handle(request, second);
  expect([first.did, second.did]).toEqual([['ran', 'delivered'], ['replaced 200']]);
});

test('is protected the second time where the first one ended in a refusal, or in an error', async () => {
  const request = {};
  let asked = 0;
  const scope = () => (++asked === 1 ? '' : 'alice');
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope });
  await expect(lifecycle.handle(request, exchange(request))).rejects.toThrow('scope');
  const second = exchange(request);
  await lifecycle.handle(request, second);
  expect(second.did).toEqual(['ran', 'delivered']);
});

test('is passed on by the inner of two, while the outer one handles it', async () => {
  const lifecycle = createLifecycle<object>({ store: new MemoryStore(), scope: 'public' });
  const request = {};
  const inner = exchange(request);
  const outer = exchange(request, async () => await lifecycle.handle(request, inner));
  await lifecycle.handle(request, outer);
  expect([outer.did, inner.did]).toEqual([['ran', 'delivered'], ['passed']]);
});

interface Seen extends Exchange {
  /** What became of it, in order. */
  readonly did: string[];
}

function exchange(identity: object, handler: () => Promise<void> = async () => {}): Seen {
  const did: string[] = [];
  return {
    did,
    identity,
    method: 'POST',
    originalUrl: '/payments',
    headerLines: () => ['"key"'],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, body: undefined }),
    liveHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    pass: () => void did.push('passed'),
    perform: async () => {
      did.push('ran');
      await handler();
      return {
        status: 200,
        reason: '',
        flowing: false,
        headers: [],
        trailers: [],
        body: Buffer.from('a'),
        unrouted: false,
      };
    },
    deliver: async () => void did.push('delivered'),
    replace: async ({ status }) => void did.push(`replaced ${status}`),
    cut: () => void did.push('cut'),
  };
}
