// Every form of a Response leaves as the handler made it, and its replay is the same.
import { defaultOmitHeaders } from '@onceguard/web';
import { describe, expect, test } from 'vitest';
import { isReplay, protect, requestOf, seen } from './web-testbed.js';

const form = () => {
  const fields = new URLSearchParams();
  fields.set('paid', 'yes');
  return fields;
};

const chunks = (...parts: string[]) =>
  new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });

const forms: Readonly<Record<string, () => Response>> = {
  'a text': () => new Response('paid'),
  'an empty text': () => new Response(''),
  JSON: () => Response.json({ paid: true }, { status: 201 }),
  bytes: () => new Response(new Uint8Array([0, 255, 128, 10]), { headers: { 'Content-Type': 'application/pdf' } }),
  'bytes without a type': () => new Response(new Uint8Array([1, 2, 3])),
  'a Blob': () => new Response(new Blob(['paid'], { type: 'text/csv' })),
  'a form': () => new Response(form()),
  'a stream of chunks': () => new Response(chunks('pa', '', 'id'), { headers: { 'Content-Type': 'text/plain' } }),
  'an empty stream': () => new Response(chunks()),
  'a redirect': () => Response.redirect('http://shop.example/receipts/1', 303),
  'no body': () => new Response(null, { status: 202 }),
  'status 204': () => new Response(null, { status: 204, headers: { ETag: '"1"' } }),
  'status 304': () => new Response(null, { status: 304 }),
  'a refusal of the handler': () => Response.json({ error: 'declined' }, { status: 402 }),
  'a reason phrase': () => new Response('paid', { status: 201, statusText: 'Paid in full' }),
};

describe.each(Object.entries(forms))('A Response with %s', (_form, make) => {
  test('leaves as the handler made it, and is replayed the same', async () => {
    const { handle, runs } = protect(() => make());
    const first = await handle(requestOf());
    const replay = await handle(requestOf());
    expect([isReplay(first), isReplay(replay), runs()]).toEqual([false, true, 1]);
    const expected = await seen(make());
    expect(await seen(first)).toEqual(expected);
    expect(await seen(replay)).toEqual(expected);
  });
});

test('A multipart form leaves with the boundary that the handler drew, and is replayed with it', async () => {
  const body = new FormData();
  body.set('paid', 'yes');
  const { handle } = protect(() => new Response(body));
  const [first, replay] = [await handle(requestOf()), await handle(requestOf())];
  const type = first.headers.get('Content-Type');
  expect(type).toMatch(/^multipart\/form-data; boundary=/);
  expect(replay.headers.get('Content-Type')).toBe(type);
  expect((await replay.formData()).get('paid')).toBe('yes');
  expect((await first.formData()).get('paid')).toBe('yes');
});

test('Each of several cookies is a line of its own, and they are recorded only where omitHeaders lets them', async () => {
  const handler = () => {
    const response = new Response('paid');
    response.headers.append('Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT');
    response.headers.append('Set-Cookie', 'b=2');
    return response;
  };
  const cookies = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2'];
  const usual = protect(handler);
  expect((await usual.handle(requestOf())).headers.getSetCookie()).toEqual(cookies);
  expect((await usual.handle(requestOf())).headers.getSetCookie()).toEqual([]);

  const kept = protect(handler, { omitHeaders: defaultOmitHeaders.filter((name) => name !== 'set-cookie') });
  expect((await kept.handle(requestOf())).headers.getSetCookie()).toEqual(cookies);
  expect((await kept.handle(requestOf())).headers.getSetCookie()).toEqual(cookies);
});

test('A request with HEAD gets the head of the response, whose body is not read', async () => {
  let isRead = false;
  const body = () =>
    new ReadableStream(
      {
        pull() {
          isRead = true;
        },
      },
      { highWaterMark: 0 },
    );
  const headers = { 'Content-Length': '4' };
  const { handle, runs } = protect(() => new Response(body(), { headers }), { methods: ['HEAD'] });
  const head = { method: 'HEAD', body: null };
  const [first, replay] = [await handle(requestOf(head)), await handle(requestOf(head))];
  expect([first.status, replay.status, replay.body, isRead, runs()]).toEqual([200, 200, null, false, 1]);
});

test('A thrown Response counts as returned', async () => {
  const { handle, runs } = protect(() => {
    throw Response.json({ error: 'declined' }, { status: 402 });
  });
  const [first, replay] = [await handle(requestOf()), await handle(requestOf())];
  expect([first.status, replay.status, runs()]).toEqual([402, 402, 1]);
  expect(await replay.json()).toEqual({ error: 'declined' });
});

test('The length and the chunks of another message are not passed on with bytes that do not fit them', async () => {
  const headers = { 'Content-Length': '3', 'Transfer-Encoding': 'chunked', 'Content-Type': 'text/plain' };
  const { handle } = protect(() => new Response('decoded', { headers }));
  const first = await handle(requestOf());
  expect([...first.headers]).toEqual([['content-type', 'text/plain']]);
  expect(await first.text()).toBe('decoded');
});

test('The length that the handler gave is kept where it is right', async () => {
  const { handle } = protect(() => new Response('paid', { headers: { 'Content-Length': '4' } }));
  expect((await handle(requestOf())).headers.get('Content-Length')).toBe('4');
});

test('What the handler threw reaches the framework as it is, and the key is free for the retry', async () => {
  const error = new Error('no connection');
  let isBroken = true;
  const { handle, runs } = protect(() => {
    if (isBroken) throw error;
    return new Response('paid');
  });
  await expect(handle(requestOf())).rejects.toBe(error);
  isBroken = false;
  const retry = await handle(requestOf());
  expect([await retry.text(), runs()]).toEqual(['paid', 2]);
});

test('A response that cannot be recorded because classify throws is not sent', async () => {
  const { handle } = protect(() => new Response('paid'), {
    classify: () => {
      throw new Error('a bug');
    },
  });
  const response = await handle(requestOf());
  expect([response.status, await response.text()]).toEqual([500, 'Internal Server Error']);
});
