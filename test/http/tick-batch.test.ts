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

test('while another request works, those of one iteration go on when all of them have come in', async () => {
  const { handle, seen } = observedLifecycle();
  const release = handleOneThatWorks(handle);
  const handled = ['a', 'b'].map(
    (name) =>
      new Promise<void>((resolve, reject) => {
        // As sockets do: each comes in by a callback of its own.
        setImmediate(() => {
          seen.push(`${name} came in`);
          handle(name).then(resolve, reject);
        });
      }),
  );
  await Promise.all(handled);
  expect(seen).toEqual(['another', 'the store', 'a came in', 'b came in', 'a', 'the store', 'b', 'the store']);
  await release();
});

test('a request that is alone waits for nobody, and neither does the next one', async () => {
  const { handle, seen } = observedLifecycle();
  for (const name of ['a', 'b']) {
    setImmediate(() => seen.push('a later turn'));
    await handle(name);
    await nextBatch();
  }
  expect(seen).toEqual(['a', 'the store', 'a later turn', 'b', 'the store', 'a later turn']);
});

test('a request that failed leaves the next one alone', async () => {
  const { handle, seen } = observedLifecycle();
  await expect(handle('')).rejects.toThrow('scope');
  setImmediate(() => seen.push('a later turn'));
  await handle('a');
  await nextBatch();
  expect(seen).toEqual(['', 'a', 'the store', 'a later turn']);
});

/** Returns a function that lets the handler end, and waits for the request. */
function handleOneThatWorks(handle: (name: string, ends: Promise<unknown>) => Promise<void>): () => Promise<void> {
  let end = (): void => expect.unreachable();
  const handled = handle('another', new Promise<void>((resolve) => (end = resolve)));
  return async () => {
    end();
    await handled;
  };
}

/** Notes the scope of each request, which is read before its record has a name, and each acquire. */
function observedLifecycle() {
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
  const handle = async (name: string, handlerEnds?: Promise<unknown>) =>
    await lifecycle.handle(name, newExchange(name, handlerEnds));
  return { seen, handle };
}

function newExchange(key: string, handlerEnds?: Promise<unknown>): HttpExchange {
  return {
    identity: {},
    method: 'POST',
    originalUrl: '/payments',
    keyLines: [`"key-${key}"`],
    body: () => ({ headers: {}, hasBody: false, readableEnded: true, parsedBody: undefined }),
    outerHeaders: () => [],
    canStart: () => true,
    onDisconnect: () => () => undefined,
    passThrough: () => undefined,
    runHandler: async () => {
      await handlerEnds;
      return {
        status: 204,
        reason: '',
        isStreaming: false,
        headers: [],
        trailers: [],
        body: new ResponseBody(),
        size: 0,
      };
    },
    sendCaptured: async () => undefined,
    sendReplay: async () => undefined,
    sendRefusal: async () => undefined,
    abortResponse: () => undefined,
  };
}
