// Requests that came in together go on together.
import { afterEach, expect, test, vi } from 'vitest';
import type { Exchange } from '../../packages/core/src/http/exchange.js';
import { createLifecycle } from '../../packages/core/src/http/lifecycle.js';
import { endOfTurn } from '../../packages/core/src/http/turn.js';
import { MemoryStore } from '../../packages/core/src/memory/memory-store.js';

afterEach(() => {
  vi.useRealTimers();
});

async function inSteps(name: string, steps: string[]): Promise<void> {
  await endOfTurn();
  for (let step = 1; step <= 3; step += 1) steps.push(`${name}${step}`, ...(await nothing()));
}

const nothing = async (): Promise<string[]> => [];

test('who asks in one turn goes on in step with all others', async () => {
  const steps: string[] = [];
  await Promise.all(['a', 'b', 'c'].map(async (name) => await inSteps(name, steps)));
  expect(steps).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
});

test('nobody goes on before the end of the turn', async () => {
  const seen: string[] = [];
  setImmediate(() => seen.push('its end'));
  const on = endOfTurn().then(() => seen.push('on'));
  process.nextTick(() => seen.push('still in it'));
  await on;
  expect(seen).toEqual(['still in it', 'its end', 'on']);
});

test('who asks later waits for the end of a later turn', async () => {
  const first = endOfTurn();
  expect(endOfTurn()).toBe(first);
  await first;
  expect(endOfTurn()).not.toBe(first);
});

test('fake timers hold nobody back', async () => {
  vi.useFakeTimers();
  await endOfTurn();
  expect(vi.isFakeTimers()).toBe(true);
});

test('requests of one turn have all been named before the store is asked for the first', async () => {
  const seen: string[] = [];
  const store = new MemoryStore();
  const acquire = store.acquire.bind(store);
  vi.spyOn(store, 'acquire').mockImplementation(async (...asked) => {
    seen.push('the store');
    return await acquire(...asked);
  });
  const scope = (name: string) => {
    seen.push(name);
    return name;
  };
  const lifecycle = createLifecycle<string>({ store, scope });
  const handled = ['a', 'b', 'c'].map(
    (name) =>
      new Promise<void>((resolve, reject) => {
        // As sockets do: each comes in by a callback of its own.
        setImmediate(() => void lifecycle.handle(name, exchange()).then(resolve, reject));
      }),
  );
  await Promise.all(handled);
  expect(seen).toEqual(['a', 'b', 'c', 'the store', 'the store', 'the store']);
});

function exchange(): Exchange {
  return {
    identity: {},
    method: 'POST',
    originalUrl: '/payments',
    headerLines: () => ['"key"'],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, body: undefined }),
    liveHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    pass: () => undefined,
    perform: async () => ({
      status: 204,
      reason: '',
      flowing: false,
      headers: [],
      trailers: [],
      body: Buffer.alloc(0),
      unrouted: false,
    }),
    deliver: async () => undefined,
    replace: async () => undefined,
    cut: () => undefined,
  };
}
