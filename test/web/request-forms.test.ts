// The request that a handler gets after its body was compared: everything that reads a body works, once.
import { describe, expect, test } from 'vitest';
import { isReplay, protect, requestOf } from './web-testbed.js';

const text = '{"cents":10,"to":"é"}';
const ways: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
  'json()': async (request) => JSON.stringify(await request.json()),
  'text()': async (request) => await request.text(),
  'arrayBuffer()': async (request) => Buffer.from(await request.arrayBuffer()).toString(),
  'blob()': async (request) => await (await request.blob()).text(),
  'clone().json()': async (request) => JSON.stringify(await request.clone().json()),
  'the stream `body`': async (request) => {
    const parts: Uint8Array[] = [];
    for await (const part of request.body ?? []) parts.push(part);
    return Buffer.concat(parts).toString();
  },
  'a clone, and then itself': async (request) => {
    const clone = request.clone();
    expect(await clone.text()).toBe(text);
    return await request.text();
  },
};

describe.each(Object.entries(ways))('A handler that reads its request by %s', (_way, read) => {
  test('gets the body that the client sent', async () => {
    const { handle } = protect(async (request) => new Response(String(await read(request))));
    const response = await handle(requestOf({ body: text }));
    expect(await response.text()).toBe(text);
    expect(isReplay(await handle(requestOf({ body: text })))).toBe(true);
    expect((await handle(requestOf({ body: text.replace('10', '11') }))).status).toBe(422);
  });
});

test('A handler gets the fields and files of a form by formData()', async () => {
  const send = (content: string) => {
    const body = new FormData();
    body.set('cents', '10');
    body.set('receipt', new File([content], 'receipt.txt', { type: 'text/plain' }));
    return requestOf({ body });
  };
  const { handle, runs } = protect(async (request) => {
    const form = await request.formData();
    const file = form.get('receipt');
    return new Response(`${form.get('cents')} ${file instanceof File ? await file.text() : ''}`);
  });
  expect(await (await handle(send('one'))).text()).toBe('10 one');
  expect(isReplay(await handle(send('one')))).toBe(true);
  expect((await handle(send('two'))).status).toBe(422);
  expect(runs()).toBe(1);
});

test('A form of pairs is read by formData() too', async () => {
  const { handle } = protect(async (request) => new Response(String((await request.formData()).get('cents'))));
  const pairs = () => requestOf({ body: new URLSearchParams({ cents: '10' }) });
  expect(await (await handle(pairs())).text()).toBe('10');
  expect(isReplay(await handle(pairs()))).toBe(true);
});

test('As on any request, a body that was read cannot be read again', async () => {
  const { handle } = protect(async (request) => {
    expect(request.bodyUsed).toBe(false);
    await request.json();
    expect(request.bodyUsed).toBe(true);
    expect(() => request.clone()).toThrow(TypeError);
    for (const again of [request.json(), request.text(), request.arrayBuffer(), request.blob(), request.formData()]) {
      await expect(again).rejects.toThrow(TypeError);
    }
    return new Response('checked');
  });
  expect(await (await handle(requestOf())).text()).toBe('checked');
});

test('As on any request, its stream counts as read once a part of it was', async () => {
  const { handle } = protect(async (request) => {
    await request.body?.getReader().read();
    expect(request.bodyUsed).toBe(true);
    await expect(request.text()).rejects.toThrow(TypeError);
    return new Response('checked');
  });
  expect(await (await handle(requestOf())).text()).toBe('checked');
});

test('What a handler changes in its bytes changes nothing for the comparison', async () => {
  const { handle } = protect(async (request) => {
    new Uint8Array(await request.clone().arrayBuffer()).fill(0);
    return new Response(await request.text());
  });
  expect(await (await handle(requestOf({ body: text }))).text()).toBe(text);
});

test('A request without a body has none in the handler either', async () => {
  const { handle } = protect(async (request) => new Response(`${request.body} "${await request.text()}"`));
  const bare = () => requestOf({ body: null });
  expect(await (await handle(bare())).text()).toBe('null ""');
  expect(isReplay(await handle(bare()))).toBe(true);
});

test('A clone has method, headers and URL of the request', async () => {
  const { handle } = protect((request) => {
    const { method, url, headers } = request.clone();
    return new Response(`${method} ${url} ${headers.get('x-shop')}`);
  });
  const response = await handle(requestOf({ path: '/payments?a=1', headers: { 'X-Shop': 'one' } }));
  expect(await response.text()).toBe('POST http://shop.example/payments?a=1 one');
});

test('A Request object that is handled twice, as tests do it, gets a replay', async () => {
  const { handle, runs } = protect(async (request) => Response.json(await request.json()));
  const request = requestOf();
  const [first, replay] = [await handle(request), await handle(request)];
  expect([isReplay(first), isReplay(replay), runs()]).toEqual([false, true, 1]);
});

test('A Request object whose first run failed gives its body to the second', async () => {
  const bodies: string[] = [];
  const { handle } = protect(async (request) => {
    bodies.push(await request.text());
    if (bodies.length === 1) throw new Error('no connection');
    return new Response('paid');
  });
  const request = requestOf();
  await expect(handle(request)).rejects.toThrow('no connection');
  expect(await (await handle(request)).text()).toBe('paid');
  expect(bodies).toEqual(['{"cents":10}', '{"cents":10}']);
});

test('The record belongs to the path: another host name, query order aside, is the same request', async () => {
  const { handle } = protect(() => new Response('paid'));
  await handle(requestOf());
  const elsewhere = new Request('https://other.example/payments', requestOf());
  expect(isReplay(await handle(elsewhere))).toBe(true);
  expect(isReplay(await handle(requestOf({ path: '/refunds' })))).toBe(false);
  expect((await handle(requestOf({ path: '/payments?a=1' }))).status).toBe(422);
});
