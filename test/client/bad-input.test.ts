// Calls that cannot be made: an error that names the remedy, before anything is sent.
import { type IdempotentFetchOptions, type IdempotentRequestInit, idempotentFetch } from '@onceguard/client';
import { afterEach, describe, expect, test } from 'vitest';
import { serveAnswers } from './payments-server.js';

const opened: { close(): Promise<void> }[] = [];
afterEach(() => Promise.all(opened.splice(0).map((server) => server.close())));

async function serve() {
  const server = await serveAnswers([{ status: 201, body: '{}' }]);
  opened.push(server);
  return server;
}

const stream = () => new Blob(['{"amount":20}']).stream();
async function* chunks() {
  yield '{}';
}

const broken: IdempotentFetchOptions = {
  keyStore: {
    claim: () => Promise.reject(new Error('no disk')),
    forget: async () => undefined,
  },
};

const refused: [string, IdempotentRequestInit & object, RegExp, IdempotentFetchOptions?][] = [
  ['a GET', { method: 'GET' }, /A GET needs no key: use fetch/],
  ['no method, which is a GET', {}, /give a method/],
  ['a HEAD', { method: 'HEAD' }, /A HEAD needs no key/],
  ['a stream', { method: 'POST', body: stream() }, /Give a function that makes it/],
  ['a generator', { method: 'POST', body: chunks() as never }, /Give a function that makes it/],
  ['an object as body', { method: 'POST', body: { amount: 20 } as never }, /Use JSON\.stringify/],
  ['a list as body', { method: 'POST', body: [1] as never }, /Use JSON\.stringify/],
  ['an empty key', { method: 'POST', idempotencyKey: '' }, /1 to 255 visible ASCII/],
  ['a key that is too long', { method: 'POST', idempotencyKey: 'x'.repeat(256) }, /1 to 255 visible ASCII/],
  ['a key with a line break', { method: 'POST', idempotencyKey: 'a\r\nb' }, /1 to 255 visible ASCII/],
  ['a key beyond ASCII', { method: 'POST', idempotencyKey: 'ä' }, /1 to 255 visible ASCII/],
  ['a key made of a missing value', { method: 'POST', idempotencyKey: `${undefined}` }, /is no key/],
  ['an empty key in the header', { method: 'POST', headers: { 'Idempotency-Key': '' } }, /is no key/],
  ['an invalid header', { method: 'POST', headers: { 'a b': 'c' } }, /fetch would refuse this/],
  ['an intent without a key store', { method: 'POST', intent: 'order-1' }, /keyStore/],
  ['an intent and a key', { method: 'POST', intent: 'order-1', idempotencyKey: 'k' }, /not both/, broken],
  ['a function for the key that makes none', { method: 'POST' }, /is no key/, { createKey: () => '' }],
];

describe('Nothing is sent, and the error names the remedy', () => {
  test.each(refused)('for %s', async (_what, init, message, options) => {
    const { url, keys } = await serve();
    const error = await idempotentFetch(options)(url, init).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'request_invalid',
      message: expect.stringMatching(message),
      customerMessage: expect.any(String),
    });
    expect(keys).toEqual([]);
  });

  test('for an address that is none', async () => {
    await expect(idempotentFetch()('http://', { method: 'POST' })).rejects.toThrow('fetch would refuse this');
  });

  test('for a Request whose body was read', async () => {
    const { url, keys } = await serve();
    const request = new Request(url, { method: 'POST', body: 'a' });
    await request.text();
    await expect(idempotentFetch()(request)).rejects.toThrow('fetch would refuse this');
    expect(keys).toEqual([]);
  });

  test('for a key store that throws: the error has its reason', async () => {
    const { url, keys } = await serve();
    await expect(idempotentFetch(broken)(url, { method: 'POST', intent: 'order-1' })).rejects.toThrow('no disk');
    expect(keys).toEqual([]);
  });
});

test.each([
  [{ retrys: 3 }, 'retrys: 3 is not an option.'],
  [{ retries: -1 }, 'retries: -1 is not from 0 to 2147483647.'],
  [{ retries: Number.NaN }, 'retries: NaN is not from 0 to 2147483647.'],
  [{ retries: '3' }, 'retries: 3 is not from 0 to 2147483647.'],
  [{ totalTimeoutMs: 2 ** 31 }, 'totalTimeoutMs: 2147483648 is not from 0 to 2147483647.'],
  [{ onRetry: 'log' }, 'onRetry: log is not a function.'],
  [{ headerName: 7 }, 'headerName: 7 is not a string.'],
])('The options %j are refused with a sentence', (options, message) => {
  expect(() => idempotentFetch(options as never)).toThrow(new TypeError(message));
});

describe('What can be sent again is sent whole each time, under one key', () => {
  const form = new FormData();
  form.append('amount', '20');
  form.append('receipt', new Blob(['%PDF']), 'receipt.pdf');
  const bytes = new TextEncoder().encode('{"amount":20}');

  const bodies: [string, IdempotentRequestInit['body']][] = [
    ['a string', '{"amount":20}'],
    ['a Blob', new Blob(['{"amount":20}'])],
    ['a form', form],
    ['URL parameters', new URLSearchParams({ amount: '20' })],
    ['an ArrayBuffer', bytes.buffer],
    ['a view of one', bytes.subarray(2)],
    ['a stream from a function', stream],
    ['a stream from an asynchronous function', async () => stream()],
    ['nothing', undefined],
  ];

  test.each(bodies)('%s', async (_what, body) => {
    const sent: { key: string | null; type: string | null; text: string }[] = [];
    const pay = idempotentFetch({
      baseDelayMs: 1,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        const type = request.headers.get('content-type');
        sent.push({ key: request.headers.get('idempotency-key'), type, text: await request.text() });
        if (sent.length < 3) throw new TypeError('the network is gone');
        return new Response(null, { status: 204 });
      },
    });
    await pay('http://127.0.0.1/', { method: 'POST', body });
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map((send) => JSON.stringify(send))).size).toBe(1);
    if (body !== undefined) expect(sent[0]?.text.length).toBeGreaterThan(8);
  });

  test('also where the caller changes body and headers while it is under way', async () => {
    const sent: string[] = [];
    const body = new TextEncoder().encode('20');
    const headers = new Headers({ authorization: 'a' });
    const pay = idempotentFetch({
      baseDelayMs: 1,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        sent.push(`${request.headers.get('authorization')} ${await request.text()}`);
        body[0] = 57;
        headers.set('authorization', 'b');
        return new Response(null, { status: sent.length === 1 ? 503 : 204 });
      },
    });
    await pay('http://127.0.0.1/', { method: 'POST', body, headers });
    expect(sent).toEqual(['a 20', 'a 20']);
  });

  test('a Request', async () => {
    const { url, keys } = await serve();
    const request = new Request(url, { method: 'PUT', body: 'a', headers: { 'Idempotency-Key': 'mine' } });
    expect((await idempotentFetch()(request)).status).toBe(201);
    expect(keys).toEqual(['mine']);
  });

  test('under another header, if the server wants that', async () => {
    const names: string[] = [];
    const pay = idempotentFetch({
      headerName: 'X-Request-Id',
      createKey: () => 'k',
      fetch: async (input, init) => {
        names.push(...new Request(input, init).headers.keys());
        return new Response();
      },
    });
    await pay('http://127.0.0.1/', { method: 'POST' });
    expect(names).toEqual(['x-request-id']);
  });
});
