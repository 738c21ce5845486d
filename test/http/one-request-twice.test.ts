// A request object that is handled twice: one after the other, as unit tests do, or one inside of the other.
import { MemoryStore } from '@onceguard/core';
import { createLifecycle, type HttpExchange, ResponseBody } from '@onceguard/core/http';
import { expect, test } from 'vitest';

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

interface Seen extends HttpExchange {
  /** What became of it, in order. */
  readonly did: string[];
}

function handleOnce(identity: object, handler: () => Promise<void> = async () => {}): Seen {
  const did: string[] = [];
  return {
    did,
    identity,
    method: 'POST',
    originalUrl: '/payments',
    keyLines: ['"key"'],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, parsedBody: undefined }),
    outerHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    passThrough: () => void did.push('passed'),
    runHandler: async () => {
      did.push('ran');
      await handler();
      return {
        status: 200,
        reason: '',
        isStreaming: false,
        headers: [],
        trailers: [],
        body: new ResponseBody(Buffer.from('a')),
        size: 1,
      };
    },
    sendCaptured: async () => void did.push('delivered'),
    sendReplay: async ({ status }) => void did.push(`replayed ${status}`),
    sendRefusal: async ({ status }) => void did.push(`refused ${status}`),
    abortResponse: () => void did.push('cut'),
  };
}
