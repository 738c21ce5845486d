// The middleware for middy, with middy and its own middlewares.
import middy from '@middy/core';
import httpCors from '@middy/http-cors';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import { MemoryStore } from '@onceguard/core';
import { idempotencyOf, withIdempotency } from '@onceguard/lambda';
import { httpPaymentPolicy, idempotency } from '@onceguard/lambda/middy';
import { describe, expect, test, vi } from 'vitest';
import { contextOf, eventKinds, type TestEvent, v2 } from './http-events.js';

type Invoke = (event: TestEvent, limitMs?: number) => Promise<unknown>;
/** The layers of one application, in the order of their use. */
type Middlewares = readonly middy.MiddlewareObj<TestEvent>[];
type Handler = (event: TestEvent) => unknown;

/** middy with the idempotency middleware between others. */
function application(
  handler: Handler,
  layers: { outer?: Middlewares; inner?: Middlewares; plugin?: object } = {},
  options: object = {},
): Invoke {
  const store = new MemoryStore();
  const app = middy<TestEvent, unknown>(async (event: TestEvent) => await handler(event), layers.plugin);
  const own = idempotency<TestEvent>({ store, scope: 'public', ...options });
  for (const layer of [...(layers.outer ?? []), own, ...(layers.inner ?? [])]) app.use(layer as middy.MiddlewareObj);
  return async (event, limitMs) => await app(event, contextOf(limitMs) as never);
}

const errorHandler = () => httpErrorHandler({ logger: false }) as middy.MiddlewareObj<TestEvent>;
const bodyParser = () => httpJsonBodyParser() as unknown as middy.MiddlewareObj<TestEvent>;

describe.each(eventKinds)('from $name', ({ event, respond }) => {
  test('a repeat receives the recorded response, and the handler runs once', async () => {
    let runs = 0;
    const invoke = application(
      async () => {
        runs += 1;
        await new Promise(setImmediate);
        return {
          statusCode: 201,
          headers: { 'X-Run': `${runs}` },
          multiValueHeaders: { 'X-Run': [`${runs}`] },
          body: 'paid',
        };
      },
      {},
      { onInProgress: { waitMs: 10_000 } },
    );
    const all = await Promise.all(Array.from({ length: 10 }, async () => respond(await invoke(event({ key: 'k' })))));
    expect(runs).toBe(1);
    expect(new Set(all.map((response) => JSON.stringify([response?.status, response?.bytes]))).size).toBe(1);
    expect(all.filter((response) => response?.headers['idempotent-replayed'])).toHaveLength(9);
  });
});

test('The response that an error handler inside makes of an error is recorded; an error without a response frees the key', async () => {
  let runs = 0;
  const declined = Object.assign(new Error('declined'), { statusCode: 402, expose: true });
  const recorded = application(
    () => {
      runs += 1;
      throw declined;
    },
    { inner: [errorHandler()] },
  );
  for (const _ of [1, 2])
    expect(await recorded(v2.event({ key: 'k' }))).toMatchObject({ statusCode: 402, body: 'declined' });
  expect(runs).toBe(1);

  const failing = application(() => {
    runs += 1;
    throw declined;
  });
  for (const _ of [1, 2]) await expect(failing(v2.event({ key: 'k' }))).rejects.toBe(declined);
  expect(runs).toBe(3);
});

test('A body is compared in the form in which the parser before the middleware left it', async () => {
  const invoke = application(({ body }) => ({ statusCode: 201, body: JSON.stringify(body) }), {
    outer: [bodyParser()],
  });
  expect(await invoke(v2.event({ key: 'k', body: '{"a":1,"b":2}' }))).toMatchObject({ body: '{"a":1,"b":2}' });
  expect(await invoke(v2.event({ key: 'k', body: '{"b":2, "a":1}' }))).toMatchObject({ body: '{"a":1,"b":2}' });
  expect(await invoke(v2.event({ key: 'k', body: '{"a":2}' }))).toMatchObject({ statusCode: 422 });
});

test('What middlewares inside make of the response is recorded, and what those outside make of it is not', async () => {
  const sign = (name: string): middy.MiddlewareObj<TestEvent> => ({
    after: (request) => {
      request.response.headers[name] = 'here';
    },
  });
  const invoke = application(() => ({ statusCode: 201, headers: {}, body: 'x' }), {
    outer: [sign('X-Outer')],
    inner: [sign('X-Inner')],
  });
  const first = await invoke(v2.event({ key: 'k' }));
  const repeat = await invoke(v2.event({ key: 'k' }));
  expect(first).toMatchObject({ headers: { 'X-Inner': 'here', 'X-Outer': 'here' } });
  expect(repeat).toMatchObject({ headers: { 'X-Inner': 'here', 'Idempotent-Replayed': 'true' } });
  expect(repeat).not.toHaveProperty(['headers', 'X-Outer']);
});

test('With the handler itself wrapped, every middleware runs for a replay too, such as http-cors', async () => {
  const wrapped = withIdempotency(async (_event: TestEvent) => ({ statusCode: 201, headers: {}, body: 'x' }), {
    store: new MemoryStore(),
    scope: 'public',
  });
  const app = middy(wrapped).use(httpCors({ origin: 'https://shop.example' }) as middy.MiddlewareObj);
  const event = () => v2.event({ key: 'k', headers: { origin: 'https://shop.example' } });
  for (const replayed of [undefined, 'true']) {
    const { headers } = (await app(event(), contextOf() as never)) as { headers: Record<string, string> };
    expect([headers['Access-Control-Allow-Origin'], headers['Idempotent-Replayed']]).toEqual([
      'https://shop.example',
      replayed,
    ]);
  }
});

test('The handler has the context of its execution, by the event', async () => {
  const invoke = application((event) => ({ statusCode: 201, body: idempotencyOf(event).key }));
  expect(await invoke(v2.event({ key: 'order-1' }))).toMatchObject({ body: 'order-1' });
});

test('A request without a key passes, with errors as they are', async () => {
  let runs = 0;
  const invoke = application(() => {
    runs += 1;
    if (runs === 1) throw new Error('no');
    return { statusCode: 200 };
  });
  await expect(invoke(v2.event())).rejects.toThrow('no');
  expect(await invoke(v2.event())).toEqual({ statusCode: 200 });
});

test('An error of a middleware outside, before or after this one, leaves the record as it is', async () => {
  let runs = 0;
  let fails: 'before' | 'after' | null = 'before';
  const failing: middy.MiddlewareObj<TestEvent> = {
    before: () => {
      if (fails === 'before') throw new Error('before');
    },
    after: () => {
      if (fails === 'after') throw new Error('after');
    },
  };
  const handler = () => {
    runs += 1;
    return { statusCode: 201, body: String(runs) };
  };
  const invoke = application(handler, { outer: [failing] });
  await expect(invoke(v2.event({ key: 'k' }))).rejects.toThrow('before');
  expect(runs).toBe(0);
  fails = 'after';
  await expect(invoke(v2.event({ key: 'k' }))).rejects.toThrow('after');
  fails = null;
  expect(await invoke(v2.event({ key: 'k' }))).toMatchObject({ body: '1', headers: { 'Idempotent-Replayed': 'true' } });
});

describe('A middleware inside that responds early is an error that names the remedy, and frees the key', () => {
  const early: Record<string, middy.MiddlewareObj<TestEvent>> = {
    'before the handler': { before: () => ({ statusCode: 200, body: 'cached' }) },
    'after the handler': { after: () => 'a value' },
  };
  test.each(Object.entries(early))('%s', async (_when, middleware) => {
    const layers = [middleware];
    const invoke = application(() => ({ statusCode: 201, body: 'paid' }), { inner: layers });
    for (const _ of [1, 2])
      await expect(invoke(v2.event({ key: 'k' }))).rejects.toThrow(/Use it before idempotency\(\)/);
  });

  test('the handler has not begun, so the key is free for another payload, with httpPaymentPolicy too', async () => {
    let isEarly = true;
    const sometimes: middy.MiddlewareObj<TestEvent> = { before: () => (isEarly ? { statusCode: 200 } : undefined) };
    const invoke = application(() => ({ statusCode: 201, body: 'paid' }), { inner: [sometimes] }, httpPaymentPolicy);
    await expect(invoke(v2.event({ key: 'k' }))).rejects.toThrow(/responded early/);
    isEarly = false;
    expect(await invoke(v2.event({ key: 'k', body: '{"amount":11}' }))).toMatchObject({
      statusCode: 201,
      body: 'paid',
    });
  });

  test('a middleware outside may respond early, before and after', async () => {
    const outside: middy.MiddlewareObj<TestEvent> = { after: () => ({ statusCode: 299 }) };
    const invoke = application(() => ({ statusCode: 201, body: 'paid' }), { outer: [outside] });
    expect(await invoke(v2.event({ key: 'k' }))).toEqual({ statusCode: 299 });
    expect(await invoke(v2.event({ key: 'k' }))).toMatchObject({
      statusCode: 201,
      headers: { 'Idempotent-Replayed': 'true' },
    });
  });
});

describe('When middy gives up on a handler before the time limit', () => {
  const slowly =
    (signals: AbortSignal[]): Handler =>
    (event) => {
      signals.push(idempotencyOf(event).signal);
      return new Promise(() => {});
    };

  test('the handler still works: its signal aborts, and its key is in use for one more lease', async () => {
    const signals: AbortSignal[] = [];
    const invoke = application(slowly(signals), { plugin: { timeoutEarlyInMillis: 50 } }, { leaseMs: 3_000 });
    await expect(invoke(v2.event({ key: 'k' }), 1_000)).rejects.toThrow('aborted');
    expect(signals[0]?.aborted).toBe(true);
    expect(await invoke(v2.event({ key: 'k' }))).toMatchObject({ statusCode: 409 });
    await vi.waitFor(async () => {
      await expect(invoke(v2.event({ key: 'k' }), 1_000)).rejects.toThrow('aborted');
    }, 60_000);
    expect(signals).toHaveLength(2);
  });

  test('with httpPaymentPolicy the outcome is unknown', async () => {
    const invoke = application(slowly([]), { plugin: { timeoutEarlyInMillis: 50 } }, httpPaymentPolicy);
    await expect(invoke(v2.event({ key: 'k' }), 1_000)).rejects.toThrow('aborted');
    const refusal = await invoke(v2.event({ key: 'k' }));
    expect(refusal).toMatchObject({ statusCode: 409, body: expect.stringContaining('outcome_unknown') });
  });
});

test('A scope that throws is an error for the error handlers, and the handler does not run', async () => {
  const handler = vi.fn();
  const invoke = application(
    handler,
    {},
    {
      scope: () => {
        throw new Error('no user');
      },
    },
  );
  await expect(invoke(v2.event({ key: 'k' }))).rejects.toThrow('no user');
  expect(handler).not.toHaveBeenCalled();
});
