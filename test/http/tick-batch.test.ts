// Requests that came in together go on together.
import { afterEach, expect, test, vi } from 'vitest';
import type { HttpExchange } from '../../packages/core/src/http/http-exchange.js';
import { createLifecycle } from '../../packages/core/src/http/lifecycle.js';
import { ResponseBody } from '../../packages/core/src/http/response-body.js';
import { nextBatch } from '../../packages/core/src/http/tick-batch.js';
import { MemoryStore } from '../../packages/core/src/stores/memory/memory-store.js';

afterEach(() => {
  vi.useRealTimers();
});

async function recordSteps(name: string, steps: string[]): Promise<void> {
  await nextBatch();
  for (let step = 1; step <= 3; step += 1) steps.push(`${name}${step}`, ...(await nothing()));
}

const nothing = async (): Promise<string[]> => [];

test('all who await in one event-loop iteration are resumed together', async () => {
  const steps: string[] = [];
  await Promise.all(['a', 'b', 'c'].map(async (name) => await recordSteps(name, steps)));
  expect(steps).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'c2', 'a3', 'b3', 'c3']);
});

test('nobody goes on before the end of the turn', async () => {
  const seen: string[] = [];
  setImmediate(() => seen.push('its end'));
  const on = nextBatch().then(() => seen.push('on'));
  process.nextTick(() => seen.push('still in it'));
  await on;
  expect(seen).toEqual(['still in it', 'its end', 'on']);
});

test('who asks later waits for the end of a later turn', async () => {
  const first = nextBatch();
  expect(nextBatch()).toBe(first);
  await first;
  expect(nextBatch()).not.toBe(first);
});

test('fake timers hold nobody back', async () => {
  vi.useFakeTimers();
  await nextBatch();
  expect(vi.isFakeTimers()).toBe(true);
});

test('all requests of one iteration have their record names before the first store call', async () => {
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
        setImmediate(() => void lifecycle.handle(name, newExchange()).then(resolve, reject));
      }),
  );
  await Promise.all(handled);
  expect(seen).toEqual(['a', 'b', 'c', 'the store', 'the store', 'the store']);
});

function newExchange(): HttpExchange {
  return {
    identity: {},
    method: 'POST',
    originalUrl: '/payments',
    keyLines: ['"key"'],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, parsedBody: undefined }),
    outerHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    passThrough: () => undefined,
    runHandler: async () => ({
      status: 204,
      reason: '',
      isStreaming: false,
      headers: [],
      trailers: [],
      body: new ResponseBody(),
      size: 0,
    }),
    sendCaptured: async () => undefined,
    sendReplay: async () => undefined,
    sendRefusal: async () => undefined,
    abortResponse: () => undefined,
  };
}
