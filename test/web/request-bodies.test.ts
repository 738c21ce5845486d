// When the body of a request is read, how much of it, and what happens where it cannot be.
import { IdempotencyError } from '@onceguard/core';
import { describe, expect, test } from 'vitest';
import { nextEvent } from '../../packages/testing/src/adapter-suite/support/next-event.js';
import { overrideVerbs } from '../adapters/store-kinds.js';
import { isReplay, openStore, protect, requestOf } from './web-testbed.js';

/** A body that notes how many of its chunks were asked for. */
function countedChunks(chunks: readonly string[]) {
  let asked = 0;
  const stream = new ReadableStream(
    {
      pull(controller) {
        const chunk = chunks[asked];
        asked += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, asked: () => asked };
}

function countedStore() {
  let calls = 0;
  const store = openStore();
  const acquire: typeof store.acquire = (...call) => {
    calls += 1;
    return store.acquire(...call);
  };
  return { store: overrideVerbs(store, { acquire }), calls: () => calls };
}

describe('maxRequestBytes', () => {
  test('refuses a body whose declared length is larger, before the store is asked and the body is read', async () => {
    const { store, calls } = countedStore();
    const body = countedChunks(['x'.repeat(20)]);
    const { handle, runs } = protect(() => new Response('paid'), { store, maxRequestBytes: 10 });
    const response = await handle(requestOf({ body: body.stream, headers: { 'Content-Length': '20' } }));
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'body_too_large']);
    expect([calls(), runs(), body.asked()]).toEqual([0, 0, 0]);
  });

  test('refuses a body without a length when it has grown too large, and reads no more of it', async () => {
    const { store, calls } = countedStore();
    const body = countedChunks(Array.from({ length: 100 }, () => 'xxxx'));
    const { handle, runs } = protect(() => new Response('paid'), { store, maxRequestBytes: 10 });
    const response = await handle(requestOf({ body: body.stream }));
    expect([response.status, calls(), runs(), body.asked()]).toEqual([413, 0, 0, 3]);
  });

  test('lets a body of exactly that many bytes pass, in one piece or in several', async () => {
    const { handle } = protect(async (request) => new Response(await request.text()), { maxRequestBytes: 10 });
    const whole = requestOf({ body: 'x'.repeat(10), headers: { 'Content-Length': '10' } });
    expect(await (await handle(whole)).text()).toBe('x'.repeat(10));
    const pieces = requestOf({ key: 'key-2', body: countedChunks(['xxxxx', 'xxxxx']).stream });
    expect(await (await handle(pieces)).text()).toBe('x'.repeat(10));
  });

  test('is one mebibyte by default', async () => {
    const { handle } = protect(() => new Response('paid'));
    const largest = new Uint8Array(1_048_576);
    expect((await handle(requestOf({ body: largest }))).status).toBe(200);
    expect((await handle(requestOf({ key: 'key-2', body: new Uint8Array(1_048_577) }))).status).toBe(413);
    expect(largest.byteLength).toBe(1_048_576);
  });

  test.each([0, 1.5, Number.NaN, '1mb'])('must be a whole number of bytes: %s is refused', (maxRequestBytes) => {
    expect(() => protect(() => new Response(), { maxRequestBytes: maxRequestBytes as number })).toThrow(
      /maxRequestBytes is .* it must be a whole number of bytes/,
    );
  });

  test('does not hold for a fingerprint function, which reads a clone as far as it needs', async () => {
    const { handle, runs } = protect(async (request) => new Response(`${(await request.text()).length}`), {
      maxRequestBytes: 10,
      fingerprint: async (request) => (await request.clone().text()).slice(0, 5),
    });
    const send = (body: string) => handle(requestOf({ body }));
    expect(await (await send('x'.repeat(50))).text()).toBe('50');
    expect(isReplay(await send('x'.repeat(60)))).toBe(true);
    expect([(await send('y'.repeat(50))).status, runs()]).toEqual([422, 1]);
  });
});

test.each([
  ['is not well-formed', { key: '"a' }, 400],
  ['is skipped', {}, 200],
])('No byte of the body is read where the request %s', async (_title, parts, status) => {
  const body = countedChunks(['{}']);
  const { handle } = protect(() => new Response('paid'), { skip: () => !('key' in parts) });
  expect((await handle(requestOf({ ...parts, body: body.stream }))).status).toBe(status);
  expect(body.asked()).toBe(0);
});

test('A body that was read before is an error that names the remedy, and nothing runs', async () => {
  const { handle, runs } = protect(() => new Response('paid'));
  const request = requestOf();
  await request.text();
  const misconfigured = nextEvent('misconfigured');
  const error: unknown = await handle(request).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(IdempotencyError);
  expect(error).toMatchObject({ code: 'body_not_parsed', message: expect.stringContaining('parsedBody') });
  expect((await misconfigured).code).toBe('body_not_parsed');
  expect(runs()).toBe(0);
});

test('parsedBody gives what a parser made of a body that was read before', async () => {
  const parsed = new WeakMap<Request, unknown>();
  const { handle } = protect(() => new Response('paid'), { parsedBody: (request) => parsed.get(request) });
  const send = async (body: string) => {
    const request = requestOf({ body });
    parsed.set(request, await request.json());
    return await handle(request);
  };
  await send('{"cents":10,"to":"ann"}');
  expect(isReplay(await send('{"to":"ann","cents":10}'))).toBe(true);
  expect((await send('{"cents":11,"to":"ann"}')).status).toBe(422);
});

test('Where parsedBody returns undefined, the request is read', async () => {
  const { handle } = protect(async (request) => new Response(await request.text()), { parsedBody: () => undefined });
  expect(await (await handle(requestOf())).text()).toBe('{"cents":10}');
  expect((await handle(requestOf({ body: '{}' }))).status).toBe(422);
});

test('An upload that breaks off runs nothing, and the framework gets its error', async () => {
  const broken = new Error('the connection broke');
  const body = new ReadableStream({
    pull(controller) {
      controller.error(broken);
    },
  });
  const { store, calls } = countedStore();
  const { handle, runs } = protect(() => new Response('paid'), { store });
  await expect(handle(requestOf({ body }))).rejects.toBe(broken);
  expect([calls(), runs()]).toEqual([0, 0]);
});
