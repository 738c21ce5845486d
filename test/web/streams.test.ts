// Responses that are too large to be held, and event streams: they flow while the handler makes them, all but their end.
import { describe, expect, test } from 'vitest';
import { newGate } from '../../packages/testing/src/adapter-suite/support/gate.js';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { isReplay, openStore, protect, requestOf } from './web-testbed.js';

/** A source that the test feeds. Nothing is read ahead. */
function newSource() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let wasPulled = newGate();
  const cancelled = newGate();
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull: () => wasPulled.open(),
      cancel: () => cancelled.open(),
    },
    { highWaterMark: 0 },
  );
  const send = (text: string) => {
    wasPulled = newGate();
    controller?.enqueue(new TextEncoder().encode(text));
  };
  return {
    stream,
    cancelled: cancelled.opened,
    send,
    pulled: () => wasPulled.opened,
    close: () => controller?.close(),
    fail: (error: Error) => controller?.error(error),
  };
}

const events = { 'Content-Type': 'text/event-stream' };

const text = async (read: Promise<{ value?: Uint8Array | undefined }>) => new TextDecoder().decode((await read).value);

/** A store whose records are acknowledged when the test says so. */
function gatedStore() {
  const store = openStore();
  const gate = newGate();
  const asked = newGate();
  const complete: typeof store.complete = async (...call) => {
    asked.open();
    await gate.opened;
    return await store.complete(...call);
  };
  return { store: overrideVerbs(store, { complete }), acknowledge: gate.open, asked: asked.opened };
}

test('An event stream flows, ends when its record is acknowledged, and is replayed', async () => {
  const source = newSource();
  const { store, acknowledge, asked } = gatedStore();
  const { handle, runs } = protect(() => new Response(source.stream, { headers: events }), { store });
  const response = await handle(requestOf());
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  source.send('data: 1\n\n');
  expect(await text(reader.read())).toBe('data: 1\n\n');
  source.send('data: 2\n\n');
  expect(await text(reader.read())).toBe('data: 2\n\n');
  let hasEnded = false;
  const end = reader.read().then(({ done }) => {
    hasEnded = done;
  });
  source.close();
  await asked;
  expect(hasEnded).toBe(false);
  acknowledge();
  await end;
  expect(hasEnded).toBe(true);

  const replay = await handle(requestOf());
  expect([isReplay(replay), await replay.text(), runs()]).toEqual([true, 'data: 1\n\ndata: 2\n\n', 1]);
});

test('A response beyond maxOutcomeBytes arrives whole, and is recorded as done without its body', async () => {
  const body = 'x'.repeat(100);
  const { handle, runs } = protect(() => new Response(body, { status: 201 }), { maxOutcomeBytes: 99 });
  expect(await (await handle(requestOf())).text()).toBe(body);
  const retry = await handle(requestOf());
  expect([retry.status, await retry.json()]).toMatchObject([410, { code: 'expired', originalStatus: 201 }]);
  expect(runs()).toBe(1);
});

test('A response of exactly maxOutcomeBytes is held, and replayed', async () => {
  const { handle } = protect(() => new Response('x'.repeat(99)), { maxOutcomeBytes: 99 });
  await handle(requestOf());
  expect(isReplay(await handle(requestOf()))).toBe(true);
});

test('Of a large response with a declared length the last byte waits for the record', async () => {
  const { store, acknowledge, asked } = gatedStore();
  const headers = { 'Content-Length': '100' };
  const { handle } = protect(() => new Response('x'.repeat(100), { headers }), { store, maxOutcomeBytes: 10 });
  const response = await handle(requestOf());
  expect(response.headers.get('Content-Length')).toBe('100');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  expect((await reader.read()).value?.length).toBe(99);
  const last = reader.read();
  await asked;
  acknowledge();
  expect(await text(last)).toBe('x');
  expect((await reader.read()).done).toBe(true);
});

test('A large response is read no faster than its client reads it', async () => {
  const source = newSource();
  const { handle } = protect(() => new Response(source.stream), { maxOutcomeBytes: 1 });
  const handled = handle(requestOf());
  await source.pulled();
  source.send('12');
  const reader = ((await handled).body as ReadableStream<Uint8Array>).getReader();
  let wasPulled = false;
  void source.pulled().then(() => {
    wasPulled = true;
  });
  expect(wasPulled).toBe(false);
  expect(await text(reader.read())).toBe('12');
  expect(wasPulled).toBe(false);
  const next = reader.read();
  await source.pulled();
  source.send('34');
  expect(await text(next)).toBe('34');
});

test('A source that fails before its response has left is an error for the framework, and the key is free', async () => {
  const broken = new Error('the disk failed');
  let isBroken = true;
  const { handle, runs } = protect(() => {
    const source = newSource();
    source.send('part');
    if (isBroken) queueMicrotask(() => source.fail(broken));
    else source.close();
    return new Response(source.stream);
  });
  await expect(handle(requestOf())).rejects.toBe(broken);
  isBroken = false;
  expect(await (await handle(requestOf())).text()).toBe('part');
  expect(runs()).toBe(2);
});

test('A source that fails while it flows breaks the response, and the key is free', async () => {
  const broken = new Error('the disk failed');
  const sources = [newSource(), newSource()] as const;
  let at = 0;
  const { handle } = protect(() => new Response(sources[at++]?.stream ?? null, { headers: events }));
  const response = await handle(requestOf());
  sources[0].send('data: 1\n\n');
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  sources[0].fail(broken);
  await expect(reader.read()).rejects.toBe(broken);
  const retry = await handle(requestOf());
  sources[1].close();
  expect([await retry.text(), at]).toEqual(['', 2]);
});

test('A source that gives more than its Content-Length breaks the response', async () => {
  const headers = { 'Content-Length': '5' };
  const { handle } = protect(() => new Response('x'.repeat(20), { headers }), { maxOutcomeBytes: 10 });
  const response = await handle(requestOf());
  await expect(response.text()).rejects.toThrow('longer than its Content-Length');
});

test('Chunks of text count as their bytes, and other chunks are an error', async () => {
  const of = (chunk: unknown) =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(chunk);
        controller.close();
      },
    });
  const texts = protect(() => new Response(of('é')));
  expect(await (await texts.handle(requestOf())).text()).toBe('é');
  const objects = protect(() => new Response(of({ paid: true })));
  await expect(objects.handle(requestOf())).rejects.toThrow(TypeError);
});

describe('A client that leaves', () => {
  test.each([
    ['cancels the response', async (response: Response) => await response.body?.cancel()],
    ['is seen by the signal of the request alone', async (_response: Response, leave: () => void) => leave()],
  ])(
    'in the middle of an event stream does not end it: its retry gets all of it, where it %s',
    async (_how, leaves) => {
      const source = newSource();
      const client = new AbortController();
      const { handle, runs } = protect(() => new Response(source.stream, { headers: events }));
      const recorded = new Promise<unknown>((resolve) => {
        void nextEvent('acquired').then(resolve);
      });
      const response = await handle(requestOf({ signal: client.signal }));
      await recorded;
      source.send('data: 1\n\n');
      await leaves(response, () => client.abort());
      await source.pulled();
      source.send('data: 2\n\n');
      await source.pulled();
      source.close();
      const retry = await handle(requestOf({}));
      const replay = retry.status === 409 ? await handle(requestOf({})) : retry;
      expect([isReplay(replay), await replay.text(), runs()]).toEqual([true, 'data: 1\n\ndata: 2\n\n', 1]);
    },
  );

  test('ends a response that is too large to be recorded, because nobody can get the rest', async () => {
    const source = newSource();
    const { handle, runs } = protect(() => new Response(source.stream), { maxOutcomeBytes: 1 });
    const handled = handle(requestOf());
    await source.pulled();
    source.send('12');
    await (await handled).body?.cancel();
    await source.cancelled;
    const retry = await handle(requestOf());
    expect([retry.status, runs()]).toEqual([410, 1]);
  });

  test('ends an event stream when it has grown too large to be recorded', async () => {
    const source = newSource();
    const { handle } = protect(() => new Response(source.stream, { headers: events }), { maxOutcomeBytes: 10 });
    const response = await handle(requestOf());
    await response.body?.cancel();
    source.send('data: 1\n\n');
    await source.pulled();
    source.send('data: 2\n\n');
    await source.cancelled;
    expect((await handle(requestOf())).status).toBe(410);
  });
});

test('A response that is too large to be recorded breaks when its attempt loses the lease', async () => {
  const store = openStore();
  const renew: typeof store.renew = async () => ({ kind: 'lost', now: Date.now() });
  const source = newSource();
  const options = { store: overrideVerbs(store, { renew }), maxOutcomeBytes: 1, leaseMs: 3_000 };
  const { handle } = protect(() => new Response(source.stream), options);
  const handled = handle(requestOf());
  await source.pulled();
  source.send('12');
  const reader = ((await handled).body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  await expect(reader.read()).rejects.toThrow('Nobody can get the rest');
  await source.cancelled;
});
