// What of an event counts: its key, its path and query, its body, and what a wrong event or handler gets.
import { MemoryStore } from '@onceguard/core';
import { type IdempotencyOptions, idempotencyOf, withIdempotency } from '@onceguard/lambda';
import { FaultStore, failsAfter, failsBefore } from '@onceguard/testing';
import { describe, expect, test } from 'vitest';
import { contextOf, type EventSpec, eventKinds, type TestEvent, v1, v2 } from './http-events.js';

function start(
  handler: (event: TestEvent) => unknown = () => ({ statusCode: 201, body: 'paid' }),
  options: Partial<IdempotencyOptions<TestEvent>> = {},
) {
  let runs = 0;
  const counting = (event: TestEvent) => {
    runs += 1;
    return handler(event);
  };
  const wrapped = withIdempotency(counting, { store: new MemoryStore(), scope: 'public', ...options });
  return {
    send: async (event: TestEvent): Promise<unknown> => await wrapped(event, contextOf()),
    runs: () => runs,
  };
}

describe.each(eventKinds)('from $name', ({ event, respond }) => {
  /** Whether a second request with the same key is a repeat of the first. */
  async function compare(
    first: EventSpec,
    second: EventSpec,
  ): Promise<'repeat' | 'another payload' | 'another record'> {
    const { send, runs } = start();
    await send(event({ key: 'k', ...first }));
    const response = respond(await send(event({ key: 'k', ...second })));
    if (runs() === 2) return 'another record';
    return response?.status === 422 ? 'another payload' : 'repeat';
  }

  test.each<[string, EventSpec, EventSpec, string]>([
    ['the same JSON in another order', { body: '{"a":1,"b":2}' }, { body: '{ "b": 2, "a": 1 }' }, 'repeat'],
    ['another number beyond 2^53', { body: '[9007199254740993]' }, { body: '[9007199254740992]' }, 'another payload'],
    [
      'the same body in base64',
      { body: '{"a":1}' },
      { body: Buffer.from('{"a":1}').toString('base64'), isBase64Encoded: true },
      'repeat',
    ],
    [
      'other bytes',
      { body: '/w==', isBase64Encoded: true, contentType: 'image/png' },
      { body: '/g==', isBase64Encoded: true, contentType: 'image/png' },
      'another payload',
    ],
    ['no body', { body: '' }, { body: '{}' }, 'another payload'],
    [
      'a form with the same pairs',
      { body: 'a=1&b=2', contentType: 'application/x-www-form-urlencoded' },
      { body: 'a=1&b=%32', contentType: 'application/x-www-form-urlencoded' },
      'repeat',
    ],
    ['the same query', { query: { a: ['1'], b: [' x'] } }, { query: { a: ['1'], b: [' x'] } }, 'repeat'],
    ['another query', { query: { a: ['1'] } }, { query: { a: ['2'] } }, 'another payload'],
    ['another path', { path: '/pay' }, { path: '/refund' }, 'another record'],
    ['another method', { method: 'POST' }, { method: 'PATCH' }, 'another record'],
    [
      'a query in place of a question mark in the path',
      { path: '/a?b' },
      { path: '/a', query: { b: [''] } },
      'another record',
    ],
  ])('%s', async (_what, first, second, expected) => {
    expect(await compare(first, second)).toBe(expected);
  });

  test('a file is compared without the boundary, which differs on every send', async () => {
    const upload = (boundary: string, text: string): EventSpec => ({
      contentType: `multipart/form-data; boundary=${boundary}`,
      body: `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n${text}\r\n--${boundary}--\r\n`,
    });
    expect(await compare(upload('one', 'x'), upload('two', 'x'))).toBe('repeat');
    expect(await compare(upload('one', 'x'), upload('two', 'y'))).toBe('another payload');
  });

  test('the header of the key is found in any case, and may have another name', async () => {
    const { send, runs } = start(undefined, { headerName: 'X-Request-Id' });
    for (const name of ['X-Request-Id', 'x-request-id', 'X-REQUEST-ID'])
      await send(event({ headers: { [name]: 'k' } }));
    expect(runs()).toBe(1);
  });

  test('a request without a key runs as it does without the wrapper, and is refused where a key is required', async () => {
    const results: unknown[] = [];
    const { send } = start(() => {
      results.push({ statusCode: 201 });
      return results.at(-1);
    });
    expect(await send(event())).toBe(results[0]);
    const required = start(undefined, { required: true });
    expect([respond(await required.send(event()))?.status, required.runs()]).toEqual([400, 0]);
  });

  test('a GET runs as it does without the wrapper', async () => {
    const { send, runs } = start();
    for (const _ of [1, 2]) await send(event({ key: 'k', method: 'GET' }));
    expect(runs()).toBe(2);
  });

  test('two callers have a record each', async () => {
    const scope = ({ requestContext }: TestEvent) => String(Reflect.get(requestContext, 'user'));
    const { send, runs } = start(undefined, { scope });
    for (const user of ['alice', 'bob', 'alice']) {
      const one = event({ key: 'k' });
      await send({ ...one, requestContext: { ...one.requestContext, user } });
    }
    expect(runs()).toBe(2);
  });

  test('what the handler throws is thrown, and the next request runs again', async () => {
    const error = new Error('the database is away');
    const { send, runs } = start(() => Promise.reject(error));
    for (const _ of [1, 2]) await expect(send(event({ key: 'k' }))).rejects.toBe(error);
    expect(runs()).toBe(2);
  });

  test('a response that the store could not record says so, and is otherwise as the handler gave it', async () => {
    const store = new FaultStore(new MemoryStore(), 50);
    store.injectFault('complete', failsBefore('unavailable'));
    const given = { statusCode: 201, headers: { 'X-A': 'a' }, multiValueHeaders: { 'X-B': ['b'] }, body: 'paid' };
    const { send } = start(() => given, { store, leaseMs: 2_000 });
    const response = respond(await send(event({ key: 'k' })));
    expect(response?.headers).toEqual({ ...respond(given)?.headers, 'idempotency-recorded': ['false'] });
    expect(response?.bytes).toBe(respond(given)?.bytes);
  });
});

test('A request that runs without the store, by onStoreUnavailable, does not wait for it at the end', async () => {
  const store = new FaultStore(new MemoryStore(), 50);
  store.injectFault('acquire', failsAfter);
  store.injectFault('release', failsBefore('unavailable'));
  const options = { store, leaseMs: 120_000, onStoreUnavailable: 'bypass' } as const;
  const { send } = start(undefined, options);
  const startedAt = Date.now();
  expect(await send(v2.event({ key: 'k' }))).toMatchObject({
    body: 'paid',
    headers: { 'Idempotency-Recorded': 'false' },
  });
  expect(Date.now() - startedAt).toBeLessThan(60_000);
});

test('A REST API passes both lines of a key that was sent twice, and the request is refused', async () => {
  const { send, runs } = start();
  const twice = { ...v1.event(), multiValueHeaders: { 'Idempotency-Key': ['a', 'b'] } };
  expect([v1.respond(await send(twice))?.status, runs()]).toEqual([400, 0]);
});

test('The order in which a REST API lists the parameters of the query makes no difference', async () => {
  const { send } = start();
  const query = { a: ['1', '2'], b: ['3'] };
  await send(v1.event({ key: 'k', query }));
  const repeat = v1.respond(await send(v1.event({ key: 'k', query: { b: query.b, a: query.a } })));
  expect([repeat?.status, repeat?.headers['idempotent-replayed']]).toEqual([201, ['true']]);
});

test('Members that are null or missing, as in a test event of the console, count as empty', async () => {
  const { send, runs } = start(undefined, { key: () => 'k' });
  const bare = { httpMethod: 'POST', path: '/pay', requestContext: {}, headers: null, body: null };
  for (const event of [bare, { ...bare, headers: undefined, queryStringParameters: null }]) await send(event);
  expect(runs()).toBe(1);
});

test('The handler has the context of its execution while it runs, by the event', async () => {
  const { send } = start((event) => ({ statusCode: 201, body: JSON.stringify([idempotencyOf(event).key]) }));
  const event = v2.event({ key: 'order-1' });
  expect(await send(event)).toMatchObject({ body: '["order-1"]' });
  expect(() => idempotencyOf(event)).toThrow(expect.objectContaining({ code: 'context_missing' }));
});

test('A handler that marks that nothing happened frees the key for a corrected request', async () => {
  const { send, runs } = start((event) => {
    if (String(event.body).includes('-1')) {
      idempotencyOf(event).markNothingHappened();
      return { statusCode: 400, body: 'the amount is negative' };
    }
    return { statusCode: 201, body: 'paid' };
  });
  await send(v2.event({ key: 'k', body: '{"amount":-1}' }));
  expect(await send(v2.event({ key: 'k', body: '{"amount":1}' }))).toMatchObject({ statusCode: 201 });
  expect(runs()).toBe(2);
});

describe('a mistake has an error that names the remedy', () => {
  test.each<[string, object, string]>([
    ['an SQS event', { Records: [{ messageId: '1', body: '' }] }, 'idempotentSqs()'],
    ['an EventBridge event', { 'detail-type': 'paid', detail: {} }, 'makeIdempotent()'],
    ['nothing', {}, 'no HTTP request'],
  ])('%s', async (_what, event, remedy) => {
    const { send, runs } = start();
    await expect(send(event as TestEvent)).rejects.toMatchObject({
      code: 'argument_invalid',
      message: expect.stringContaining(remedy),
    });
    expect(runs()).toBe(0);
  });

  test('a missing scope', async () => {
    const { send, runs } = start(undefined, { scope: () => undefined as never });
    await expect(send(v2.event({ key: 'k' }))).rejects.toMatchObject({ code: 'scope_missing' });
    expect(runs()).toBe(0);
  });

  test('options that are not valid, when the handler is wrapped', () => {
    expect(() => withIdempotency(async () => ({}), { store: new MemoryStore() } as never)).toThrow(/scope/);
  });

  test('a handler that streams its response, as far as it can be seen', async () => {
    const streaming = Object.assign(async () => ({}), {
      [Symbol.for('aws.lambda.runtime.handler.streaming')]: 'response',
    });
    const options = { store: new MemoryStore(), scope: 'public' as const };
    expect(() => withIdempotency(streaming, options)).toThrow(/streaming is not supported/);
    const within = withIdempotency(async (_event: TestEvent) => ({ statusCode: 200 }), options);
    const stream = { write: () => true } as never;
    await expect(within(v2.event({ key: 'k' }), stream)).rejects.toThrow(/streaming is not supported/);
  });

  test('a handler that responds by its callback', async () => {
    type Callback = (error: null, result: object) => void;
    const wrapped = withIdempotency(
      (_event: TestEvent, _context: ReturnType<typeof contextOf>, callback: Callback) =>
        callback(null, { statusCode: 200 }),
      { store: new MemoryStore(), scope: 'public' },
    );
    await expect(wrapped(v2.event({ key: 'k' }), contextOf(), () => {})).rejects.toThrow(/Return the result instead/);
  });

  test('a handler that is wrapped twice runs once per key, by the outer wrapper', async () => {
    let runs = 0;
    const options = { store: new MemoryStore(), scope: 'public' as const };
    const inner = withIdempotency(async (_event: TestEvent) => {
      runs += 1;
      return { statusCode: 201, body: String(runs) };
    }, options);
    const outer = withIdempotency(inner, options);
    for (const _ of [1, 2]) expect(await outer(v2.event({ key: 'k' }), contextOf())).toMatchObject({ body: '1' });
    expect(runs).toBe(1);
  });
});
